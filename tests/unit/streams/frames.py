"""Frames over logs in memory, some of which are away for a while; steps that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import Context, decode
from schemas.errors import LogUnavailable, RoxyError
from schemas.events import Event, RecordDeadLettered
from schemas.record import Position
from schemas.session_id import Session
from schemas.topics import DEAD_LETTERS, QUERIES, Topic
from streams.answering.attempt import answer_failed
from streams.outlet import Output
from streams.step import Delivery, Frame, Policy, Step
from tests.builders import a_query

SESSION = Session("default", "t1")
Run = Callable[[Event, Delivery], AsyncGenerator[Output, None]]


class FlakyJournal(MemoryJournal):
    """Away for the next `away` appends."""

    away = 0

    async def append_all(self, events: Sequence[Event], context: Context) -> list[Position]:
        if self.away > 0:
            self.away -= 1
            raise LogUnavailable
        return await super().append_all(events, context)


class FlakySessionLog(MemorySessionLog):
    """Its next `lost` records are accepted and then lost: their futures fail."""

    lost = 0

    async def enqueue(self, session: Session, events: Sequence[Event], context: Context) -> asyncio.Future[list[Position]]:
        if self.lost > 0:
            self.lost -= 1
            receipt: asyncio.Future[list[Position]] = asyncio.get_running_loop().create_future()
            receipt.set_exception(LogUnavailable())
            return receipt
        return await super().enqueue(session, events, context)


def told(event: Event, delivery: Delivery, error: RoxyError) -> Event | None:
    return answer_failed(a_query(SESSION), delivery.attempt, error)


def a_step(run: Run, topic: Topic = QUERIES, failed: Callable[[Event, Delivery, RoxyError], Event | None] = told) -> Step:
    return Step("test", topic, run, failed)


def a_frame(step: Step, journal: MemoryJournal, session_log: MemorySessionLog, *, tries: int = 3, timeout_s: float = 5.0) -> Frame:
    return Frame(step, journal=journal, session_log=session_log, policy=Policy(tries, timeout_s))


def letters(journal: MemoryJournal) -> list[RecordDeadLettered]:
    events = [decode(record) for record in journal.records(DEAD_LETTERS)]
    return [event for event in events if isinstance(event, RecordDeadLettered)]


def raising(error: BaseException, times: int = 10**9) -> tuple[Run, list[Delivery]]:
    """A step that fails the first times, then yields the question; and the deliveries that it saw."""
    seen: list[Delivery] = []

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        seen.append(delivery)
        if len(seen) <= times:
            raise error
        yield event

    return run, seen


async def echo(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
    yield event
