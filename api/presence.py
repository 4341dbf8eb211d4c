"""Presence: which sessions have readers at this process. Told on topic `readers` where ROXY_UNREAD_CANCEL_MIN asks for it; else nothing is written.

A session is told of at once when its first reader comes, then every quarter of that time while there are any; of a reader that comes and goes, such
as a long poll, once a quarter. The workers do the counting (streams/unread.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import structlog
from opentelemetry import trace

from connectors.background import running
from connectors.journal.base import Journal
from connectors.observability import traceparent_of
from schemas.codec import Context
from schemas.errors import LogUnavailable
from schemas.events import SessionRead
from schemas.session_id import Session, new_ulid

_SOURCE = "/roxy/api"


class Presence:
    """Readers by session. `unread_s`: seconds without one after which an answer is cancelled; 0: nobody asks."""

    def __init__(self, journal: Journal, unread_s: float) -> None:
        self._journal, self._every_s = journal, unread_s / 4
        self._readers: Counter[Session] = Counter()
        self._told: set[Session] = set()  # in this quarter
        self._new: set[Session] = set()
        self._came = asyncio.Event()

    @contextmanager
    def reading(self, session: Session) -> Iterator[None]:
        """Somebody reads the session meanwhile."""
        if not self._every_s:
            yield
            return
        self._readers[session] += 1
        if session not in self._told:
            self._told.add(session)
            self._new.add(session)
            self._came.set()
        try:
            yield
        finally:
            self._readers[session] -= 1
            if not self._readers[session]:
                del self._readers[session]

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Tell of it, for so long."""
        if not self._every_s:
            yield
            return
        async with running(self._tell()):
            yield

    async def _tell(self) -> None:
        clock = asyncio.get_running_loop().time
        regular = clock() + self._every_s
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(regular):
                    await self._came.wait()
            self._came.clear()
            if clock() >= regular:
                regular = clock() + self._every_s
                self._told = set(self._readers)
                self._new |= self._told
            await self._write()

    async def _write(self) -> None:
        """What could not be written is told in the next quarter: while the log is away, workers cancel nothing."""
        new, self._new = self._new, set()
        events = [_read(session, max(self._readers[session], 1)) for session in new]
        try:
            if events:
                await self._journal.append_all(events, Context(_SOURCE, traceparent_of(trace.get_current_span())))
        except LogUnavailable as error:
            structlog.get_logger(__name__).warning("readers_untold", error=str(error))


def _read(session: Session, readers: int) -> SessionRead:
    return SessionRead(id=f"{session.id}:read:{new_ulid()}", tenant=session.tenant, session_id=session.id, readers=readers)
