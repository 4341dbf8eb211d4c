"""The streams that are open now: how many each principal may have, and how all of them are told to end.

Whoever waits for a session's records passes here, whatever the protocol: streams, long polls, waits for an answer's end. So it is known here
which sessions are read (api/presence.py). An open stream is interrupted, whatever it waits for, by `end`: because its client has gone, or
because the server drains. Who asks and reads the answer in one request has room kept for the reading while the question is written.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Literal

from api.admission import Admission
from api.metrics import Metrics
from api.presence import Presence
from api.principal import Principal
from schemas.errors import ShuttingDown, TooManyConnections
from schemas.session_id import Session

#: answered: nothing more can come. gone: the client has closed. stalled: it takes nothing any more.
Ending = Literal["answered", "idle", "gone", "stalled", "shutting-down"]


class OpenStream:
    """One stream, from outside."""

    def __init__(self) -> None:
        self._scope: asyncio.Timeout | None = None
        self._ending: Ending | None = None

    def end(self, why: Ending) -> None:
        """Interrupt the stream. The first reason holds."""
        if self._ending is None:
            self._ending = why
            if self._scope is not None:
                self._scope.reschedule(asyncio.get_running_loop().time())

    async def run(self, work: Awaitable[Ending]) -> Ending:
        """Do the stream's work until it ends by itself or is ended. A timeout without a time is what asyncio has for an interrupt."""
        try:
            async with asyncio.timeout(0 if self._ending else None) as self._scope:
                return await work
        except TimeoutError:
            if self._ending is None:
                raise
            return self._ending
        finally:
            self._scope = None


class OpenStreams:
    """All of them. Beyond `most` per principal a stream is refused."""

    def __init__(self, *, most: int, metrics: Metrics, presence: Presence, admission: Admission) -> None:
        self._most = most
        self._metrics = metrics
        self._presence = presence
        self._admission = admission
        self._streams: set[OpenStream] = set()
        self._taken = 0  # room: of those that are open, and of those that will be
        self._count: Counter[tuple[str, str]] = Counter()
        self.draining = False

    @contextmanager
    def room(self, principal: Principal) -> Iterator[None]:
        """Keep the room of a stream; one that is opened right behind finds it. Raises TooManyConnections, Overloaded, ShuttingDown."""
        who = (principal.tenant, principal.subject)
        if self.draining:
            raise ShuttingDown
        if self._count[who] >= self._most:
            raise TooManyConnections
        self._admission.require_stream(principal.tenant, self._taken)
        self._count[who] += 1
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._count[who] -= 1

    @contextmanager
    def opened(self, principal: Principal, session: Session) -> Iterator[OpenStream]:
        """Count a stream in while it is open. Raises what `room` raises."""
        with self.room(principal):
            stream = OpenStream()
            gauge = self._metrics.open_streams.labels(principal.tenant)
            self._streams.add(stream)
            gauge.inc()
            try:
                with self._presence.reading(session):
                    yield stream
            finally:
                gauge.dec()
                self._streams.discard(stream)

    def drain(self) -> None:
        """End every stream, and refuse new ones."""
        self.draining = True
        for stream in self._streams:
            stream.end("shutting-down")
