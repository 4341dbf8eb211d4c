"""One reader's bounded queue of a session's records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connectors.session_log.base import Gap, SessionRecord
from schemas.errors import RoxyError, SlowReader


class Subscription:
    """Filled by the log, read by one reader. A backlog of records that were there before it is not counted against the bound."""

    def __init__(self, queue_records: int, backlog: Sequence[SessionRecord | Gap] = ()) -> None:
        self._bound = queue_records
        self._waiting: list[SessionRecord | Gap] = list(backlog)
        self._error: RoxyError | None = None
        self._loop = asyncio.get_running_loop()  # kept: to be asked for it costs a system call
        self._wake: asyncio.Future[None] | None = None
        self._until = 0.0  # whoever reads waits so long
        self._timer: asyncio.TimerHandle | None = None  # kept from one wait to the next: one for each record costs 1 us of some 13
        self._backlog = len(self._waiting)

    def offer(self, record: SessionRecord | Gap) -> None:
        """Give the reader a record. One too many ends the subscription; what had come before is still delivered."""
        if self._error is not None:
            return
        if len(self._waiting) >= self._bound + self._backlog:
            self.fail(SlowReader())
            return
        self._waiting.append(record)
        self._awake()

    def fail(self, error: RoxyError) -> None:
        """End the subscription: `read` raises `error` once the records before it are read."""
        self._error = self._error or error
        self._awake()

    def close(self) -> None:
        """Nobody reads any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def read(self, timeout_s: float) -> Sequence[SessionRecord | Gap]:
        """See connectors/session_log/base.py."""
        if not self._waiting and self._error is None:
            await self._wait(timeout_s)
        if self._waiting:
            records, self._waiting, self._backlog = self._waiting, [], 0
            return records
        if self._error is not None:
            raise self._error
        return ()

    async def _wait(self, timeout_s: float) -> None:
        self._wake, self._until = self._loop.create_future(), self._loop.time() + timeout_s
        if self._timer is None or self._timer.when() > self._until:
            self._set_timer()
        try:
            await self._wake
        finally:
            self._wake = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._until, self._late)

    def _late(self) -> None:
        self._timer = None
        if self._wake is not None and self._loop.time() < self._until:
            self._set_timer()
        else:
            self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
