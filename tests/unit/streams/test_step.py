"""streams/step.py: what becomes of records that fail."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.errors import InvalidQuery, ModelUnavailable
from schemas.events import AnswerFailed, Event, QueryAsked
from schemas.record import Record
from schemas.session_id import Session
from streams.answering.attempt import answer_failed
from streams.outlet import Output
from streams.step import Delivery
from tests.builders import a_query, a_record, chunks_retrieved, events_of, unreadable
from tests.unit.streams.frames import SESSION, FlakySessionLog, a_frame, a_step, echo, letters, raising


@pytest.mark.parametrize(
    "value", [None, b"", b"{not json", b"[]", b'{"type":"Nothing","version":1}', b'{"type":"QueryAsked","version":1}', b"\xff\xfe"]
)
async def test_an_unreadable_record_goes_to_the_dead_letters_as_it_came(session_log: MemorySessionLog, value: bytes | None) -> None:
    """The agent goes on; whoever redrives finds every byte."""
    journal = MemoryJournal()
    await a_frame(a_step(echo), journal, session_log).work(unreadable(offset=7, value=value), redelivered=False, generation=1)
    (letter,) = letters(journal)

    assert (letter.topic, letter.partition, letter.offset, letter.original_key, letter.tenant) == ("queries", 0, 7, "t1", "acme")
    assert value == (None if letter.original_value is None else base64.b64decode(letter.original_value))
    assert (letter.error, letter.tries) == ("unreadable-record", 1)


async def test_headers_that_are_null_or_no_tenant_do_not_stop_a_dead_letter(session_log: MemorySessionLog) -> None:
    """Kafka's headers may be null, and a tenant header may say anything."""
    journal = MemoryJournal()
    record = Record("queries", 0, 0, None, b"x", (("tenant", b"No Tenant!"), ("empty", None)))  # type: ignore[arg-type]
    await a_frame(a_step(echo), journal, session_log).work(record, redelivered=False, generation=1)
    (letter,) = letters(journal)

    assert (letter.tenant, letter.original_key, dict(letter.original_headers)["empty"]) == ("default", "", "")


async def test_headers_that_are_null_do_not_stop_a_question(session_log: MemorySessionLog) -> None:
    """A producer may write them; an error here would hold up the partition for ever."""
    record = a_record(a_query())._replace(headers=(("traceparent", None), ("tenant", None)))  # type: ignore[arg-type]
    await a_frame(a_step(echo), MemoryJournal(), session_log).work(record, redelivered=False, generation=1)

    assert [event.type for event in await events_of(session_log, SESSION)] == ["QueryAsked"]


async def test_what_may_pass_is_tried_again_then_recorded_as_failed(session_log: MemorySessionLog) -> None:
    """As often as the policy says; then the session hears of it and the record is a dead letter."""
    journal = MemoryJournal()
    run, seen = raising(ModelUnavailable("down"))
    await a_frame(a_step(run), journal, session_log, tries=3).work(a_record(a_query()), redelivered=False, generation=1)
    (failure,) = await events_of(session_log, SESSION)

    assert isinstance(failure, AnswerFailed)
    assert (failure.error, failure.detail, failure.retryable) == ("model-unavailable", "down", True)
    assert [(letter.error, letter.tries) for letter in letters(journal)] == [("model-unavailable", 3)]
    assert [delivery.redelivered for delivery in seen] == [False, True, True]


async def test_who_asks_for_a_pause_gets_it(session_log: MemorySessionLog) -> None:
    """A model's `Retry-After`, where it is longer than the pause that we would make."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    run, seen = raising(ModelUnavailable("busy", retry_after_s=0.5), times=1)
    await a_frame(a_step(run), MemoryJournal(), session_log, tries=2).work(a_record(a_query()), redelivered=False, generation=1)

    assert len(seen) == 2
    assert clock() - begun >= 0.5


async def test_what_passes_leaves_no_trace(session_log: MemorySessionLog) -> None:
    """A try that succeeds after others is a success."""
    journal = MemoryJournal()
    run, seen = raising(ModelUnavailable(), times=2)
    await a_frame(a_step(run), journal, session_log, tries=3).work(a_record(a_query()), redelivered=False, generation=1)

    assert [QueryAsked] == [type(event) for event in await events_of(session_log, SESSION)]
    assert (letters(journal), len(seen)) == ([], 3)


async def test_attempts_rise_with_tries_and_more_so_with_generations(session_log: MemorySessionLog) -> None:
    """Each try leaves room for an answer that is begun anew; no try of one generation reaches into the next."""
    run, seen = raising(ModelUnavailable(), times=2)
    for generation in (1, 2):
        seen.clear()
        await a_frame(a_step(run), MemoryJournal(), session_log).work(a_record(a_query()), redelivered=False, generation=generation)

        assert [generation * 1_000_000 + number for number in (10, 20, 30)] == [delivery.attempt for delivery in seen]


@pytest.mark.parametrize(
    ("error", "slug"), [(InvalidQuery("no"), "invalid-query"), (ValueError("odd"), "roxy-error"), (asyncio.CancelledError(), "roxy-error")]
)
async def test_what_does_not_pass_fails_at_once(session_log: MemorySessionLog, error: BaseException, slug: str) -> None:
    """A permanent error, an unexpected one, and a cancellation that nobody here asked for: one try."""
    journal = MemoryJournal()
    run, seen = raising(error)
    await a_frame(a_step(run), journal, session_log).work(a_record(a_query()), redelivered=False, generation=1)

    assert [AnswerFailed] == [type(event) for event in await events_of(session_log, SESSION)]
    assert [slug] == [letter.error for letter in letters(journal)]
    assert len(seen) == 1


async def test_an_error_whose_text_is_no_utf8_is_still_recorded(session_log: MemorySessionLog) -> None:
    """A lone surrogate, as in a broken file name, cannot be written as it is."""
    journal = MemoryJournal()
    run, _ = raising(ValueError("bad \udcff name"))
    await a_frame(a_step(run), journal, session_log).work(a_record(a_query()), redelivered=False, generation=1)

    assert [letter.detail for letter in letters(journal)] == ["Step test failed: ValueError: bad ? name."]


async def test_a_failure_counts_even_where_the_try_had_begun_the_answer_anew(session_log: MemorySessionLog) -> None:
    """A try may raise its attempt by one; AnswerFailed must not lose against it, or readers wait for ever."""
    run, seen = raising(InvalidQuery())
    await a_frame(a_step(run), MemoryJournal(), session_log).work(a_record(a_query()), redelivered=False, generation=3)
    (failure,) = await events_of(session_log, SESSION)

    assert isinstance(failure, AnswerFailed)
    assert seen[0].attempt + 9 == failure.attempt


@pytest.mark.parametrize("session_id", ["t-gone", "nonsense"])
async def test_a_failure_that_cannot_be_told_is_a_dead_letter_all_the_same(session_log: MemorySessionLog, session_id: str) -> None:
    """A session that is gone, or an id that is none, must not hold up its partition for ever."""
    journal = MemoryJournal()
    run, _ = raising(InvalidQuery())
    step = a_step(run, failed=lambda event, delivery, error: answer_failed(a_query(Session("default", session_id)), delivery.attempt, error))
    await a_frame(step, journal, session_log).work(a_record(a_query()), redelivered=False, generation=1)

    assert [letter.error for letter in letters(journal)] == ["invalid-query"]


async def test_an_id_that_is_too_long_for_an_answer_fails_the_question_only(session_log: MemorySessionLog) -> None:
    """A producer may send an id of 200 characters; `a-` before it is one too many, and AnswerFailed cannot be made at all."""
    journal = MemoryJournal()
    run, _ = raising(InvalidQuery())
    step = a_step(run, failed=lambda event, delivery, error: answer_failed(a_query(SESSION, "q" * 200), delivery.attempt, error))
    await a_frame(step, journal, session_log).work(a_record(a_query(query_id="q" * 200)), redelivered=False, generation=1)

    assert [letter.error for letter in letters(journal)] == ["invalid-query"]


async def test_a_step_that_takes_too_long_is_ended_and_closed(session_log: MemorySessionLog) -> None:
    """Its own cleaning up has run when the failure is recorded."""
    journal, closed = MemoryJournal(), asyncio.Event()

    async def slow(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        try:
            await asyncio.Event().wait()
            yield event
        finally:
            closed.set()

    await a_frame(a_step(slow), journal, session_log, timeout_s=0.01).work(a_record(a_query()), redelivered=False, generation=1)

    assert [letter.detail for letter in letters(journal)] == ["Step test took longer than 0.01 s."]
    assert closed.is_set()


async def test_a_step_that_is_late_may_be_worth_another_try(session_log: MemorySessionLog) -> None:
    """Where its row in the table says so: an answer's model may be faster the next time, and whoever asked may ask again."""
    journal, begun = MemoryJournal(), list[int]()

    async def slow(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        begun.append(delivery.attempt)
        await asyncio.Event().wait()
        yield event

    step = a_step(slow)._replace(late=ModelUnavailable)
    await a_frame(step, journal, session_log, tries=2, timeout_s=0.01).work(a_record(a_query()), redelivered=False, generation=1)

    assert 2 == len(begun)
    assert ["model-unavailable"] == [letter.error for letter in letters(journal)]


async def test_what_has_a_limit_of_its_own_is_not_counted(session_log: MemorySessionLog) -> None:
    """A large document takes as long as its embedder needs; the step's own time runs on behind it."""
    journal = MemoryJournal()

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        with delivery.untimed():
            await asyncio.sleep(0.1)
        yield chunks_retrieved()
        await asyncio.sleep(30)

    await a_frame(a_step(run), journal, session_log, timeout_s=0.05).work(a_record(a_query()), redelivered=False, generation=1)

    assert ["ChunksRetrieved", "AnswerFailed"] == [event.type for event in await events_of(session_log, SESSION)]


async def test_work_that_is_begun_anew_has_the_whole_time_again(session_log: MemorySessionLog) -> None:
    """An answer that another model begins, after the one before has used up the time."""
    journal = MemoryJournal()

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        for _ in range(3):
            await asyncio.sleep(0.6)
            delivery.afresh()
        yield chunks_retrieved()

    await a_frame(a_step(run), journal, session_log, timeout_s=1.5).work(a_record(a_query()), redelivered=False, generation=1)

    assert ["ChunksRetrieved"] == [event.type for event in await events_of(session_log, SESSION)]


async def test_a_step_is_closed_before_its_next_try() -> None:
    """A write that fails leaves the generator suspended at its yield; what it holds (a model's stream) must not outlive the try."""
    seen: list[str] = []

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        seen.append("begun")
        try:
            yield chunks_retrieved()
        finally:
            seen.append("closed")

    session_log = FlakySessionLog()
    async with session_log:
        await session_log.create(SESSION)
        session_log.lost = 1
        await a_frame(a_step(run), MemoryJournal(), session_log).work(a_record(a_query()), redelivered=False, generation=1)

    assert seen == ["begun", "closed", "begun", "closed"]


async def test_a_cancelled_step_is_closed_and_leaves_no_failure(session_log: MemorySessionLog) -> None:
    """A revoked partition's record belongs to the next worker."""
    journal, begun, closed = MemoryJournal(), asyncio.Event(), asyncio.Event()

    async def run(event: Event, delivery: Delivery) -> AsyncGenerator[Output, None]:
        try:
            begun.set()
            await asyncio.Event().wait()
            yield event
        finally:
            closed.set()

    work = asyncio.create_task(a_frame(a_step(run), journal, session_log).work(a_record(a_query()), redelivered=False, generation=1))
    await begun.wait()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work

    assert (work.cancelled(), closed.is_set(), letters(journal)) == (True, True, [])
