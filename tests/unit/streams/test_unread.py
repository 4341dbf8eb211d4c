"""streams/unread.py: what counts as unread, and that it is cancelled by a record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from connectors.journal.memory import MemoryJournal
from schemas.codec import decode
from schemas.events import QueryCancelled, SessionRead
from schemas.topics import QUERIES
from streams.cancellations import Cancellations, Making, Query
from streams.unread import Unread, cancel_unread
from tests.builders import CONTEXT, a_cancellation

HERE, THERE = (Making(Query(tenant, "t1", "q1"), "a-q1") for tenant in ("default", "acme"))


def is_read(making: Making) -> SessionRead:
    return SessionRead(id="r", tenant=making.query.tenant, session_id=making.query.session_id, readers=1)


def test_who_has_no_reader_for_the_time_and_a_quarter_is_unread() -> None:
    """From the moment that its answer was begun; a reader of another tenant's session of that name is none."""
    unread = Unread(100, now=0)
    unread.hear(is_read(THERE), now=20)

    assert [[], [HERE], [HERE, THERE]] == [unread.of({HERE: 10, THERE: 10}, now) for now in (134, 136, 146)]


def test_a_reader_that_comes_back_counts_anew() -> None:
    """The last time that it was told of."""
    unread = Unread(100, now=0)
    for now in (10, 90, 180):
        unread.hear(is_read(HERE), now)

    assert [[], [HERE]] == [unread.of({HERE: 5}, now) for now in (304, 306)]


def test_who_could_not_hear_cancels_nothing() -> None:
    """Until it has listened for the whole time again."""
    unread = Unread(100, now=0)
    unread.deaf(now=200)

    assert [[], [HERE]] == [unread.of({HERE: 0}, now) for now in (324, 326)]


@given(st.lists(st.floats(0, 1_000), max_size=20), st.floats(0, 1_000), st.floats(0, 2_000))
def test_no_answer_is_unread_within_the_time_of_a_reader_or_of_its_beginning(heard: list[float], begun: float, now: float) -> None:
    """Whenever its readers came."""
    unread = Unread(100, now=0)
    for moment in sorted(heard):
        unread.hear(is_read(HERE), moment)
    recent = [moment for moment in (*heard, begun, 0) if moment > now - 100]

    assert not (recent and unread.of({HERE: begun}, now))


async def test_an_unread_answer_is_cancelled_by_a_record_that_all_workers_hear() -> None:
    """Once; who is read goes on."""
    journal, cancellations = MemoryJournal(), Cancellations()
    watching = asyncio.create_task(cancel_unread(journal, cancellations, unread_s=0.4))
    with cancellations.listening(HERE, lambda: None), cancellations.listening(THERE, lambda: None):
        while not journal.records(QUERIES):
            await journal.append(is_read(THERE), CONTEXT)
            await asyncio.sleep(0.02)
        event = decode(journal.records(QUERIES)[0])
    await ended(watching)

    assert isinstance(event, QueryCancelled)
    assert ("no-readers", HERE) == (event.cancelled_by, Making(Query.of(event), event.answer_id or ""))


async def test_an_answer_that_was_cancelled_is_not_cancelled_again() -> None:
    """It may take a moment until its model has stopped."""
    journal, cancellations = MemoryJournal(), Cancellations()
    cancellations.cancel(a_cancellation(), at=0)
    watching = asyncio.create_task(cancel_unread(journal, cancellations, unread_s=0.02))
    with cancellations.listening(HERE, lambda: None), cancellations.listening(THERE, lambda: None):
        await until(lambda: len(journal.records(QUERIES)) > 3)
    await ended(watching)

    assert {THERE.query} == {Query.of(event) for record in journal.records(QUERIES) if isinstance(event := decode(record), QueryCancelled)}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
