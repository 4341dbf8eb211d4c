"""Another answer to a question for which nothing was found yet: how long a worker waits, and what it waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from connectors.session_log.base import Gap, SessionRecord
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import decode
from schemas.cursor import Cursor
from schemas.events import Event
from schemas.record import Position, Record
from schemas.session_id import Session
from schemas.topics import QUERIES, RETRIEVALS
from streams.step import Delivery
from streams.steps import on_query
from streams.window import Window
from tests.builders import CONTEXT, a_query, a_regeneration
from tests.unit.streams.regenerations import SESSION, Bench


async def test_wishes_that_wait_for_what_was_found_hold_nobody_up_for_long() -> None:
    """Eight of one tenant's have all slots. Each looks a few times, with longer and longer pauses; then the other tenant's question is looked up."""
    log = Looked()
    bench, other = Bench(session_log=log), Session("acme", "t2")
    wishes = [Session("default", f"tw{number}") for number in range(8)]
    for session in (*wishes, other):
        await log.create(session)
        await log.append(session, [a_query(session)], CONTEXT)
    for session in wishes:
        await bench.journal.append(a_regeneration(session), CONTEXT)
    await bench.journal.append(a_query(other, "q2"), CONTEXT)
    looks = list[int]()

    async def work(record: Record) -> None:
        await bench.deliver(QUERIES, on_query, record)
        if record.header("tenant") == other.tenant:
            looks.append(log.looks)

    window = Window(work, slots=8)
    for record in bench.journal.records(QUERIES):
        await window.admit(record)
    drained = await window.drained(60.0)

    assert (True, [True]) == (drained, [each <= 8 * 8 for each in looks])
    assert {"a-q1.1": 8, "a-q2": 1} == Counter(decode(record).answer_id for record in bench.journal.records(RETRIEVALS))  # type: ignore[attr-defined]


async def test_what_was_found_goes_on_once_the_wish_is_in_the_session() -> None:
    """Whoever answers reads the session on from there."""
    order = list[str]()

    async def written() -> list[Position]:
        order.append("written")
        return []

    bench = await Bench().answered()
    delivery = Delivery(Position("queries", 0, 1), False, 1, written, [])
    async for output in on_query(a_regeneration(SESSION), delivery, ports=bench.ports):
        order.append(output.type if isinstance(output, Event) else "onward")

    assert ["RegenerationAsked", "written", "onward"] == order


class Looked(MemorySessionLog):
    """Counts how often a session is read."""

    looks = 0

    def history(self, session: Session, after: Cursor | None = None, *, tokens: bool = True) -> AsyncIterator[SessionRecord | Gap]:
        self.looks += 1
        return super().history(session, after, tokens=tokens)
