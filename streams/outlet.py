"""Where a step's outputs go: events of a session into its log, others to the topic that schemas/topics.py names, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from connectors.journal.base import Journal
from connectors.session_log.base import SessionLog
from schemas.codec import Context
from schemas.errors import UnknownSession
from schemas.events import Event, QueryAsked, SessionEvent, TokensGenerated
from schemas.record import Position
from schemas.session_id import Session
from schemas.topics import JOURNAL, SESSION_EVENTS, Topic

_LANDING_S = 5.0  # what a failed try has sent is given this long to land, so that the next one finds it


class Tombstones(NamedTuple):
    """An output: take these keys out of a compacted topic."""

    topic: Topic
    keys: Sequence[str]


Output = Event | Tombstones | Sequence[Event]


class Outlet:
    """Writes a step's outputs where they belong, in order; `settle` waits until all replicas in sync have them."""

    def __init__(self, journal: Journal, session_log: SessionLog, source: Topic, context: Context, *, careful: bool) -> None:
        self._journal, self._session_log, self._source = journal, session_log, source
        self._context = context._replace(repeat=careful)
        self._receipts: list[asyncio.Future[list[Position]]] = []
        self.careful = careful  # wait for each record but tokens: a step that reads back must find what it wrote
        self.limit: asyncio.Timeout | None = None  # on the step's time; stopped while the log is waited for

    def untimed(self) -> AbstractContextManager[None]:
        """Stop the clock of the step's limit meanwhile."""
        return _stopped(self.limit)

    def afresh(self, limit_s: float) -> None:
        """Give the step its whole time again."""
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + limit_s)

    async def written(self) -> list[Position]:
        with _stopped(self.limit):
            return await self._receipts[-1]

    async def settle(self) -> None:
        with _stopped(self.limit):
            await asyncio.gather(*self._receipts)

    async def landed(self) -> None:
        """Wait, not for ever, until nothing is on its way to the session any more, whatever became of it."""
        if self._receipts:
            await asyncio.wait(self._receipts, timeout=_LANDING_S)

    async def write(self, output: Output) -> None:
        with _stopped(self.limit):
            await self._write(output)

    async def _write(self, output: Output) -> None:
        if isinstance(output, Tombstones):
            await self._journal.retract(output.topic, output.keys, self._context)
        elif isinstance(output, Event):
            await self._write_event(output)
        else:
            await self._journal.append_all(output, self._context)

    async def _write_event(self, event: Event) -> None:
        topic = JOURNAL.get(type(event))
        onward = topic is not None and topic is not self._source
        if isinstance(event, SessionEvent) and isinstance(event, SESSION_EVENTS):
            receipt = await self._to_session(event)
            if onward or (self.careful and not isinstance(event, TokensGenerated)):
                await receipt  # whoever reads on from the other topic must find the session's record there
        if onward:
            await self._journal.append(event, self._context)

    async def _to_session(self, event: SessionEvent) -> asyncio.Future[list[Position]]:
        session = Session(event.tenant, event.session_id)
        try:
            receipt = await self._session_log.enqueue(session, [event], self._context)
        except UnknownSession:
            if not isinstance(event, QueryAsked):
                raise
            await self._session_log.create(session)  # a producer may ask in a session of its own naming
            receipt = await self._session_log.enqueue(session, [event], self._context)
        receipt.add_done_callback(_note)
        self._receipts.append(receipt)
        return receipt


def _note(receipt: asyncio.Future[list[Position]]) -> None:
    """Of a try that failed nobody asks for its receipts; asyncio would report their errors as lost."""
    if not receipt.cancelled():
        receipt.exception()


@contextmanager
def _stopped(limit: asyncio.Timeout | None) -> Iterator[None]:
    """Stop the clock of a limit meanwhile."""
    deadline = limit.when() if limit is not None else None
    if limit is None or deadline is None:
        yield
        return
    clock = asyncio.get_running_loop().time
    left = deadline - clock()
    limit.reschedule(None)
    try:
        yield
    finally:
        limit.reschedule(clock() + left)
