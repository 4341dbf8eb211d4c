"""Journal in memory: for tests and for trying the API without Kafka. One partition a topic; gone with the process."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from connectors.journal.base import Stretch
from schemas.codec import Context, encode, tombstone
from schemas.events import Event
from schemas.record import Draft, Position, Record
from schemas.topics import JOURNAL, Topic


class MemoryFollower:
    """Reads one topic's list of records."""

    def __init__(self, journal: MemoryJournal, topic: Topic, start: int) -> None:
        self._journal, self._topic, self._next = journal, topic, start

    @property
    def positions(self) -> Mapping[int, int]:
        return {0: self._next}

    async def read(self, timeout_s: float) -> Sequence[Record]:
        """See connectors/journal/base.py."""
        await self._journal.grown(self._topic, self._next, timeout_s)
        waiting = self._journal.records(self._topic)[self._next :]
        self._next += len(waiting)
        return waiting


class MemoryShare:
    """Reads what the others of its group have not committed. One of them at a time has the topic's one partition: the others wait."""

    def __init__(self, journal: MemoryJournal, topic: Topic, committed: dict[str, int]) -> None:
        self._topic, self._committed = topic, committed
        self._follower = MemoryFollower(journal, topic, committed.get(topic.name, 0))

    async def read(self, timeout_s: float) -> Sequence[Record]:
        return await self._follower.read(timeout_s)

    async def commit(self) -> None:
        self._committed[self._topic.name] = self._follower.positions[0]

    async def noted(self) -> Mapping[int, int]:
        return {0: self._committed.get(self._topic.name, 0)}


class MemoryJournal:
    """See connectors/journal/base.py."""

    def __init__(self) -> None:
        self._records: defaultdict[str, list[Record]] = defaultdict(list)
        self._growth = asyncio.Condition()
        self._epoch = uuid4().hex
        self._committed: defaultdict[str, dict[str, int]] = defaultdict(dict)  # by group, the offset behind what is done of each topic
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> MemoryJournal:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._records.clear()

    def records(self, topic: Topic) -> list[Record]:
        """All records of a topic, in order (tests look here)."""
        return self._records[topic.name]

    async def append(self, event: Event, context: Context) -> Position:
        return (await self.append_all([event], context))[0]

    async def append_all(self, events: Sequence[Event], context: Context) -> list[Position]:
        positions = [self._write(JOURNAL[type(event)].name, encode(event, context)) for event in events]
        await self._notify()
        return positions

    async def retract(self, topic: Topic, keys: Sequence[str], context: Context) -> list[Position]:
        positions = [self._write(topic.name, tombstone(key, context)) for key in keys]
        await self._notify()
        return positions

    async def ends(self, topic: Topic) -> Mapping[int, int]:
        return {0: len(self._records[topic.name])}

    async def starts(self, topic: Topic) -> Mapping[int, int]:
        return {0: 0}

    async def since(self, topic: Topic, time_ms: int) -> Mapping[int, int]:
        records = self._records[topic.name]
        return {0: next((record.offset for record in records if record.timestamp >= time_ms), len(records))}

    async def epoch(self, topic: Topic) -> str:
        return self._epoch

    @asynccontextmanager
    async def follow(self, topic: Topic, start: Mapping[int, int] | None = None) -> AsyncIterator[MemoryFollower]:
        yield MemoryFollower(self, topic, (start or {}).get(0, 0))

    async def past(self, topic: Topic, start: Mapping[int, int], end: Mapping[int, int]) -> AsyncGenerator[Stretch, None]:
        first, behind = start.get(0, 0), end.get(0, 0)
        if first < behind:
            yield Stretch(0, self._records[topic.name][first:behind], behind)

    @asynccontextmanager
    async def share(self, topic: Topic, group: str) -> AsyncIterator[MemoryShare]:
        async with self._turns[topic.name, group]:
            yield MemoryShare(self, topic, self._committed[group])

    async def noted(self, topic: Topic, group: str) -> Mapping[int, int]:
        return {0: self._committed[group].get(topic.name, 0)}

    async def grown(self, topic: Topic, length: int, timeout_s: float) -> None:
        """Wait until a topic is longer than that, at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s), self._growth:
                await self._growth.wait_for(lambda: len(self._records[topic.name]) > length)
        except TimeoutError:
            return

    def _write(self, topic: str, draft: Draft) -> Position:
        record = Record(topic, 0, len(self._records[topic]), *draft, time.time_ns() // 1_000_000)
        self._records[topic].append(record)
        return record.position

    async def _notify(self) -> None:
        async with self._growth:
            self._growth.notify_all()
