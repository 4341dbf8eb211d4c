"""A window over the records of one agent: worked on concurrently, acknowledged in offset order.

Called by streams/app.py with each record of its partitions. Guarantees:
- Records of one key (a session, a document; of `retrievals`, see `session_or_sibling`) are worked on one after the other, in order; keys run
  side by side, `slots` at a time.
- Tenants take turns: of the records that were admitted, one tenant's thousand delay another's one by one record's work, not by a thousand.
- `heads` never names an offset past an unfinished record, so what a crash leaves unfinished is delivered again.
  (Faust's own bookkeeping can commit past it: faust-streaming issue 606.)
- After `revoke` no work on those partitions goes on, and their records are acknowledged no more.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from schemas.record import Record
from streams.fair_queue import FairQueue

TopicPartition = tuple[str, int]
Work = Callable[[Record], Awaitable[None]]
KeyOf = Callable[[Record], bytes]

_RETRY_S = 1.0

log = structlog.get_logger(__name__)


def record_key(record: Record) -> bytes:
    return record.key or b""


def session_or_sibling(record: Record) -> bytes:
    """A session's first answers are made one after the other; another answer to a question beside them, and beside others."""
    return record_key(record) + b"\0" + (record.header("answer") or "").encode()


class _Partition:
    """The offsets of a partition that are not finished. Made anew with each assignment, so that leftovers of the one before touch nothing."""

    def __init__(self) -> None:
        self.unfinished: list[int] = []  # sorted
        self.revoked = False
        self._behind: int | None = None  # one past the last offset admitted

    @property
    def head(self) -> int | None:
        return self.unfinished[0] if self.unfinished else self._behind

    def admit(self, offset: int) -> None:
        insort(self.unfinished, offset)
        self._behind = max(self._behind or 0, offset + 1)

    def finish(self, offset: int) -> None:
        self.unfinished.remove(offset)


class _Key(NamedTuple):
    partition: _Partition
    key: bytes


class Window:
    """Admits records, works on them, knows what may be acknowledged."""

    def __init__(self, work: Work, *, slots: int, capacity: int | None = None, key_of: KeyOf = record_key) -> None:
        self._work, self._slots, self._capacity, self._key_of = work, slots, capacity or slots * 8, key_of
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._waiting: dict[_Key, deque[Record]] = {}  # a key is here while one of its records waits or runs
        self._turns: FairQueue[_Key] = FairQueue()  # the keys that may start
        self._running: dict[asyncio.Task[None], _Key] = {}
        self._size = 0
        self._changed = asyncio.Condition()

    @property
    def size(self) -> int:
        """Records admitted and not finished."""
        return self._size

    async def admit(self, record: Record) -> None:
        """Take a record; waits while the window is full. One whose partition is revoked meanwhile is not taken."""
        partition = self._partitions.setdefault(record.position[:2], _Partition())
        async with self._changed:
            await self._changed.wait_for(lambda: partition.revoked or self._size < self._capacity)
        if partition.revoked:
            return
        partition.admit(record.offset)
        self._size += 1
        key = _Key(partition, self._key_of(record))
        queue = self._waiting.get(key)
        if queue is None:
            self._waiting[key] = deque([record])
            self._queue_up(key, record)
            self._start()
        else:
            queue.append(record)

    def partitions(self) -> set[TopicPartition]:
        return set(self._partitions)

    def heads(self) -> dict[TopicPartition, int]:
        """By partition, the offset up to which all is done: what may be committed."""
        return {partition: state.head for partition, state in self._partitions.items() if state.head is not None}

    async def revoke(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop work on these partitions and forget them."""
        gone = [state for partition in partitions if (state := self._partitions.pop(partition, None)) is not None]
        for state in gone:
            state.revoked = True
            self._size -= len(state.unfinished)
        self._waiting = {key: queue for key, queue in self._waiting.items() if key.partition not in gone}
        self._turns.drop(lambda key: key.partition in gone)
        cancelled = [task for task, key in self._running.items() if key.partition in gone]
        for task in cancelled:
            task.cancel()
        await asyncio.gather(*cancelled, return_exceptions=True)
        await self._notify()

    async def drained(self, timeout_s: float) -> bool:
        """Wait until all that was admitted is finished; False if that took longer."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._size == 0)
        except TimeoutError:
            return False
        return True

    def _start(self) -> None:
        """Start what may run, one record of each tenant in turn."""
        while len(self._running) < self._slots and (key := self._turns.take()) is not None:
            task = asyncio.create_task(self._run(key, self._waiting[key].popleft()))
            self._running[task] = key
            task.add_done_callback(self._ended)

    def _queue_up(self, key: _Key, record: Record) -> None:
        """The key may start when it is its record's tenant's turn. A record's tenant is not part of the key: a producer may leave it out."""
        self._turns.put(record.header("tenant") or "", key)

    async def _run(self, key: _Key, record: Record) -> None:
        while True:
            try:
                await self._work(record)
                break
            except Exception:
                # The frame round every step turns failures into records; what still comes here (the log itself is away) is tried again.
                log.exception("work failed", position=str(record.position))
                await asyncio.sleep(_RETRY_S)
        if key.partition.revoked:  # the work did not heed its cancellation
            return
        key.partition.finish(record.offset)
        self._size -= 1
        await self._notify()

    def _ended(self, task: asyncio.Task[None]) -> None:
        key = self._running.pop(task)
        queue = self._waiting.get(key)
        if queue:
            self._queue_up(key, queue[0])
        elif queue is not None:
            del self._waiting[key]
        self._start()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
