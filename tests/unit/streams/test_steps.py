"""streams/steps.py: the rows of the table, run by the frame over a session log and a journal in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from connectors.session_log.memory import MemorySessionLog
from schemas.codec import decode
from schemas.errors import InvalidDocument
from schemas.events import (
    AnswerFailed,
    ChunksRetrieved,
    DocumentFailed,
    DocumentSubmitted,
    Event,
    RecordDeadLettered,
)
from schemas.record import Position, Record
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import ANSWERS, DEAD_LETTERS, DOCUMENTS, FEEDBACK, QUERIES, RETRIEVALS, REVIEWS, Topic
from streams import steps as steps_module
from streams.chunk_index import ChunkIndex
from streams.ports import Ports
from streams.step import Delivery, Frame, Policy, Step
from streams.steps import answer_failure, document_failure, no_failure, on_feedback, on_query
from tests.builders import CONTEXT, ScriptedModel, a_cancellation, a_feedback, a_query, a_record, chunks_retrieved, events_of, records_of
from tests.unit.streams.answering.bench import speaking
from tests.unit.streams.frames import FlakyJournal

SESSION = Session("default", "t1")


class Bench:
    """A worker's frames over ports in memory."""

    def __init__(self) -> None:
        self.journal, self.session_log = FlakyJournal(), MemorySessionLog()
        index = ChunkIndex(vectors=None, keywords=None, embedder_name="none")
        self.ports = Ports(Settings(), self.session_log, None, None, index, **speaking(self.session_log, ScriptedModel()))  # type: ignore[arg-type]

    async def work(self, run: Callable[..., Any], event: Event, topic: Topic = QUERIES, *, redelivered: bool = False, generation: int = 1) -> None:
        failed = no_failure if topic in (FEEDBACK, REVIEWS) else answer_failure
        bound = partial(run, journal=self.journal) if topic is REVIEWS else partial(run, ports=self.ports)
        frame = Frame(Step("test", topic, bound, failed), journal=self.journal, session_log=self.session_log, policy=Policy(2, 5.0))
        await frame.work(a_record(event, topic.name), redelivered=redelivered, generation=generation)

    async def ask(self, record: Record) -> None:
        """A record as a producer has written it."""
        step = Step("test", QUERIES, partial(on_query, ports=self.ports), answer_failure)
        await Frame(step, journal=self.journal, session_log=self.session_log, policy=Policy(2, 5.0)).work(record, redelivered=False, generation=1)

    async def types(self, session: Session = SESSION) -> list[str]:
        return [event.type for event in await events_of(self.session_log, session)]

    def documents(self) -> list[Event]:
        return [decode(record) for record in self.journal.records(DOCUMENTS)]

    def retrievals(self) -> list[ChunksRetrieved]:
        events = [decode(record) for record in self.journal.records(RETRIEVALS)]
        return [event for event in events if isinstance(event, ChunksRetrieved)]


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.session_log.create(SESSION)
    return bench


# ---------------------------------------------------------------------- asked


async def test_a_question_goes_to_the_session_and_what_was_found_goes_on(bench: Bench) -> None:
    """ChunksRetrieved says where the session's QueryAsked lies; into the session the next step puts it, with the answer."""
    await bench.session_log.append(SESSION, [a_query(SESSION, "q0")], CONTEXT)
    await bench.work(on_query, a_query(SESSION))

    assert await bench.types() == ["QueryAsked", "QueryAsked"]
    assert [(found.query_id, found.session_offset) for found in bench.retrievals()] == [("q1", 1)]


@pytest.mark.parametrize("out", range(4))
async def test_a_question_that_its_worker_left_at_any_point_is_finished_by_the_next(bench: Bench, out: int) -> None:
    """After none, one or both of the session's records, and after all: nothing is in the session twice, `retrievals` has it at least once."""
    await bench.session_log.append(SESSION, [a_query(SESSION, "q0")], CONTEXT)
    await bench.session_log.append(SESSION, [a_query(SESSION), chunks_retrieved(SESSION, session_offset=1)][:out], CONTEXT)
    if out == 3:
        await bench.journal.append(chunks_retrieved(SESSION, session_offset=1), CONTEXT)
    await bench.work(on_query, a_query(SESSION), redelivered=True, generation=2)

    assert await bench.types() == ["QueryAsked", "QueryAsked", *(["ChunksRetrieved"] if out >= 2 else [])]
    assert {("q1", 1)} == {(found.query_id, found.session_offset) for found in bench.retrievals()}
    assert bench.journal.records(RETRIEVALS)[-1].header("repeat") == "1"


async def test_a_question_whose_way_on_was_barred_for_a_while_is_in_the_session_once(bench: Bench) -> None:
    """The journal was away when what was found should have gone on."""
    bench.journal.away = 3
    await bench.work(on_query, a_query(SESSION))

    assert await bench.types() == ["QueryAsked"]
    assert len(bench.retrievals()) == 1


@pytest.mark.parametrize("key", [None, "k1"])
async def test_a_question_that_is_written_twice_is_answered_once(bench: Bench, key: str | None) -> None:
    """By a producer that repeats itself, or under an idempotency key that another worker has met."""
    await bench.work(on_query, a_query(SESSION, idempotency_key=key))
    if key:
        bench.ports.seen.clear()
    await bench.work(on_query, a_query(SESSION, idempotency_key=key))

    assert await bench.types() == ["QueryAsked"]
    assert len(bench.retrievals()) == 1


async def test_a_question_whose_answer_has_ended_is_left_alone_but_for_its_audit_record(bench: Bench) -> None:
    """Its worker may have died between the session's AnswerFailed and the audit topic's."""
    failure = answer_failure(a_query(SESSION), _delivery(), InvalidDocument())
    assert isinstance(failure, AnswerFailed)
    await bench.session_log.append(SESSION, [a_query(SESSION), failure], CONTEXT)
    await bench.work(on_query, a_query(SESSION), redelivered=True)

    assert (await bench.types(), bench.retrievals()) == (["QueryAsked", "AnswerFailed"], [])
    assert [failure] == [decode(record) for record in bench.journal.records(ANSWERS)]


async def test_what_the_next_step_has_ended_is_its_own_to_audit(bench: Bench) -> None:
    """It is delivered again, too."""
    failure = answer_failure(chunks_retrieved(SESSION), _delivery(), InvalidDocument())
    assert isinstance(failure, AnswerFailed)
    await bench.session_log.append(SESSION, [a_query(SESSION), chunks_retrieved(SESSION), failure], CONTEXT)
    await bench.work(on_query, a_query(SESSION), redelivered=True)

    assert [] == bench.journal.records(ANSWERS)


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize("key", [None, "k1"])
async def test_a_question_in_a_session_of_its_producers_naming_is_answered(bench: Bench, redelivered: bool, key: str | None) -> None:
    """The session is made by its first question, also where the log is read back first."""
    own = Session("default", "tmine")
    await bench.work(on_query, a_query(own, idempotency_key=key), redelivered=redelivered)

    assert await bench.types(own) == ["QueryAsked"]
    assert [found.session_id for found in bench.retrievals()] == [own.id]


async def test_a_question_in_a_session_that_cannot_be_is_a_dead_letter(bench: Bench) -> None:
    """Nobody can be told; the partition goes on."""
    await bench.work(on_query, a_query(Session("default", "nonsense")))

    assert len(bench.journal.records(DEAD_LETTERS)) == 1


async def test_a_question_whose_answer_would_have_another_ones_id_is_a_dead_letter(bench: Bench) -> None:
    """`a-q1.1` is another answer to q1: nothing is written under it, and nobody is told there."""
    record = a_record(a_query(SESSION, "q1x1"))
    assert record.value is not None
    await bench.ask(record._replace(value=record.value.replace(b"q1x1", b"q1.1")))

    (letter,) = [decode(each) for each in bench.journal.records(DEAD_LETTERS)]
    assert isinstance(letter, RecordDeadLettered)
    assert ("unreadable-record", True, []) == (letter.error, "query_id" in letter.detail, await bench.types())


async def test_memory_of_questions_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(steps_module, "_REMEMBERED", 2)
    for number in range(4):
        await bench.work(on_query, a_query(SESSION, f"q{number}"))

    assert list(bench.ports.seen) == ["q2", "q3"]


# ----------------------------------------------------------------------- echo


async def test_a_cancellation_is_put_into_its_session_once(bench: Bench) -> None:
    """Delivered again, it is recognised by its id."""
    await bench.work(on_query, a_cancellation(SESSION))
    await bench.work(on_query, a_cancellation(SESSION), redelivered=True)

    assert ["QueryCancelled"] == await bench.types()
    assert bench.journal.records(QUERIES) == []


@pytest.mark.parametrize("event", [chunks_retrieved(SESSION), a_feedback(SESSION)])
async def test_events_that_are_not_a_topics_own_are_dead_letters(bench: Bench, event: Event) -> None:
    """Each topic has its types; what else lies there is kept where it is seen."""
    await bench.work(on_query, event)

    assert (await bench.types(), len(bench.journal.records(DEAD_LETTERS))) == ([], 1)


# ------------------------------------------------------------------- failures


def _delivery() -> Delivery:
    return Delivery(Position("queries", 2, 5), False, 7, asyncio.Event, [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "expected"), [(a_query(), AnswerFailed), (chunks_retrieved(), AnswerFailed), (a_cancellation(), None), (a_feedback(), None)]
)
def test_a_question_that_fails_ends_in_answer_failed_and_nothing_else_does(event: Event, expected: type[Event] | None) -> None:
    """Only a question has somebody who waits for an answer."""
    failure = answer_failure(event, _delivery(), InvalidDocument("no"))

    assert expected is (None if failure is None else type(failure))
    assert failure is None or (isinstance(failure, AnswerFailed) and (failure.attempt, failure.error) == (7, "invalid-document"))


def test_a_document_that_fails_ends_in_document_failed() -> None:
    """One for each version: its id holds where the version lies."""
    submitted = DocumentSubmitted(id="d1:1", tenant="default", document_id="d1", content="x")
    failure = document_failure(submitted, _delivery(), InvalidDocument("no"))

    assert isinstance(failure, DocumentFailed)
    assert (failure.id, failure.detail) == ("d1@2/5:failed", "no")
    assert document_failure(a_query(), _delivery(), InvalidDocument()) is None


async def test_a_question_for_a_forgotten_session_makes_it_again_and_feedback_does_not(bench: Bench) -> None:
    """As schemas/session_id.py has it: whether a session exists is whether its topic does."""
    await bench.session_log.forget(SESSION)
    await bench.work(on_feedback, a_feedback(SESSION), FEEDBACK)
    after_feedback = await bench.session_log.exists(SESSION)
    await bench.work(on_query, a_query(SESSION))

    assert (after_feedback, await bench.session_log.exists(SESSION)) == (False, True)
    assert [found.marks.type for found in await records_of(bench.session_log.history(SESSION))] == ["QueryAsked"]
