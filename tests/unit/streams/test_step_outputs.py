"""streams/step.py: outputs, and a log that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import Context
from schemas.errors import InvalidQuery, LogUnavailable, ModelUnavailable, UnknownSession
from schemas.events import Event, QueryAsked
from schemas.record import Position, Record
from schemas.session_id import Session
from schemas.topics import CHUNKS, FEEDBACK, QUERIES, RETRIEVALS
from streams import step as step_module
from streams.outlet import Output, Tombstones
from streams.step import Delivery
from tests.builders import CONTEXT, a_feedback, a_query, a_record, chunks_retrieved, events_of, generation_started, tokens, unreadable
from tests.unit.streams.frames import SESSION, FlakyJournal, FlakySessionLog, a_frame, a_step, echo, letters, raising

# ---------------------------------------------------------------- log is away


async def test_while_the_log_is_away_the_step_waits_and_nothing_is_a_dead_letter(session_log: MemorySessionLog) -> None:
    """More often than the policy's tries: what cannot be recorded has not failed."""
    journal = FlakyJournal()
    journal.away = 20

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        yield chunks_retrieved()

    await a_frame(a_step(run), journal, session_log, tries=2).work(a_record(a_query()), redelivered=False, generation=1)

    assert (letters(journal), len(journal.records(RETRIEVALS))) == ([], 1)


async def test_an_absence_of_the_log_uses_up_no_tries(session_log: MemorySessionLog) -> None:
    """A model that is down once after the log was away twice is tried again."""
    errors = [LogUnavailable(), LogUnavailable(), ModelUnavailable()]

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        if errors:
            raise errors.pop(0)
        yield event

    journal = MemoryJournal()
    await a_frame(a_step(run), journal, session_log, tries=2).work(a_record(a_query()), redelivered=False, generation=1)

    assert (letters(journal), len(await events_of(session_log, SESSION))) == ([], 1)


@pytest.mark.parametrize("record", [unreadable(), a_record(a_query())], ids=["unreadable", "failing"])
async def test_a_dead_letter_waits_for_the_log_too(session_log: MemorySessionLog, record: Record) -> None:
    """One dead letter, and the step is not run anew for it."""
    journal = FlakyJournal()
    journal.away = 5
    run, seen = raising(InvalidQuery())
    await a_frame(a_step(run), journal, session_log).work(record, redelivered=False, generation=1)

    assert len(letters(journal)) == 1
    assert len(seen) <= 1


async def test_a_record_that_was_accepted_and_lost_is_written_by_the_next_try() -> None:
    """A receipt that fails is a failure of the log, wherever in the step it shows."""
    session_log = FlakySessionLog()
    async with session_log:
        await session_log.create(SESSION)
        session_log.lost = 1
        await a_frame(a_step(echo), MemoryJournal(), session_log).work(a_record(a_query()), redelivered=False, generation=1)

        assert [QueryAsked] == [type(event) for event in await events_of(session_log, SESSION)]


async def test_what_the_log_takes_is_not_counted_against_the_steps_time() -> None:
    """A log that is slow for longer than a step may take makes the step late, not failed."""

    class SlowSessionLog(MemorySessionLog):
        async def append(self, session: Session, events: Sequence[Event], context: Context) -> list[Position]:
            await asyncio.sleep(0.1)
            return await super().append(session, events, context)

    journal = MemoryJournal()
    async with SlowSessionLog() as session_log:
        await session_log.create(SESSION)
        await a_frame(a_step(echo), journal, session_log, timeout_s=0.05).work(a_record(a_query()), redelivered=False, generation=1)

        assert (letters(journal), len(await events_of(session_log, SESSION))) == ([], 1)


@pytest.mark.parametrize("tries", [1, 7, 2_000, 10**9])
def test_pauses_grow_to_a_bound_however_long_the_log_is_away(monkeypatch: pytest.MonkeyPatch, tries: int) -> None:
    """Hours of retries must not overflow a power of two."""
    monkeypatch.setattr(step_module, "_FIRST_PAUSE_S", 0.1)

    assert 0.05 <= step_module._pause_s(tries) <= 5.0


# -------------------------------------------------------------------- outputs


async def test_outputs_go_where_they_belong_in_order(session_log: MemorySessionLog) -> None:
    """A session's events into the session; those of another topic onward too; tombstones to theirs; the step's own topic is never written."""
    found = chunks_retrieved()

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        yield event
        yield found
        yield generation_started(found)
        yield tokens(found, 0, "One")
        yield Tombstones(CHUNKS, ["d1#0"])
        yield (found,)

    journal = MemoryJournal()
    await a_frame(a_step(run), journal, session_log).work(a_record(a_query()), redelivered=False, generation=1)
    types = [event.type for event in await events_of(session_log, SESSION)]

    assert types == ["QueryAsked", "ChunksRetrieved", "GenerationStarted", "TokensGenerated"]
    assert journal.records(QUERIES) == []
    assert [record.key for record in journal.records(RETRIEVALS)] == [b"t1", b"t1"]
    assert [(record.key, record.value) for record in journal.records(CHUNKS)] == [(b"d1#0", None)]


async def test_the_session_has_a_record_before_it_goes_onward() -> None:
    """Whoever reads on from the other topic must find it there."""
    seen: list[int] = []

    class Watching(MemoryJournal):
        async def append_all(self, events: Sequence[Event], context: Context) -> list[Position]:
            seen.append(len(await events_of(watched, SESSION)))
            return await super().append_all(events, context)

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        yield chunks_retrieved()

    async with MemorySessionLog() as watched:
        await watched.create(SESSION)
        await a_frame(a_step(run), Watching(), watched).work(a_record(a_query()), redelivered=False, generation=1)

    assert seen == [1]


async def test_every_output_names_the_record_that_it_came_from() -> None:
    """`causation`; and `repeat` where the record may have been worked on before."""
    said: list[tuple[str, bool]] = []

    class Watching(MemorySessionLog):
        async def enqueue(self, session: Session, events: Sequence[Event], context: Context) -> asyncio.Future[list[Position]]:
            said.append((str(context.causation), context.repeat))
            return await super().enqueue(session, events, context)

    async with Watching() as watched:
        await watched.create(SESSION)
        for offset, redelivered in ((4, False), (5, True)):
            record = a_record(a_query(), offset=offset)
            await a_frame(a_step(echo), MemoryJournal(), watched).work(record, redelivered=redelivered, generation=1)

    assert said == [("queries[0]@4", False), ("queries[0]@5", True)]


async def test_a_step_can_ask_where_its_last_output_lies(session_log: MemorySessionLog) -> None:
    """`written` waits until it is there."""
    await session_log.append(SESSION, [a_query(query_id="q0")], CONTEXT)
    seen: list[int] = []

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        yield event
        seen.append((await delivery.written())[0].offset)

    await a_frame(a_step(run), MemoryJournal(), session_log).work(a_record(a_query()), redelivered=False, generation=1)

    assert seen == [1]


async def test_a_producers_own_session_is_created_by_its_question(session_log: MemorySessionLog) -> None:
    """A question may name a session that nobody made."""
    own = Session("default", "tmine")
    await a_frame(a_step(echo), MemoryJournal(), session_log).work(a_record(a_query(own)), redelivered=False, generation=1)

    assert [QueryAsked] == [type(event) for event in await events_of(session_log, own)]


async def test_feedback_does_not_bring_a_forgotten_session_back(session_log: MemorySessionLog) -> None:
    """Only a question creates a session."""
    gone, journal = Session("default", "tgone"), MemoryJournal()
    step = a_step(echo, FEEDBACK, failed=lambda *_: None)
    await a_frame(step, journal, session_log).work(a_record(a_feedback(gone), "feedback"), redelivered=False, generation=1)

    assert [UnknownSession.slug()] == [letter.error for letter in letters(journal)]
    assert not await session_log.exists(gone)
