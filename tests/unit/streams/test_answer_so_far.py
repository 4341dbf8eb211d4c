"""streams/answer_so_far.py over a session log in memory."""

from __future__ import annotations

import pytest

from connectors.session_log.memory import MemorySessionLog
from schemas.errors import UnknownSession
from schemas.events import AnswerCompleted, Event
from schemas.session_id import Session
from streams.answer_so_far import AnswerSoFar, holds, read_back
from streams.answering.attempt import answer_failed
from tests.builders import CONTEXT, a_cancellation, a_query, chunks_retrieved, generation_started, tokens

SESSION = Session("default", "t1")
FOUND = chunks_retrieved(SESSION)


async def after(*events: Event, first_offset: int | None = None) -> AnswerSoFar:
    """What is read back of question q1 when these are in the session."""
    async with MemorySessionLog() as session_log:
        await session_log.create(SESSION)
        await session_log.append(SESSION, events, CONTEXT)
        return await read_back(session_log, SESSION, "q1", first_offset)


def completed(attempt: int = 1) -> AnswerCompleted:
    fields = generation_started(FOUND, attempt).model_dump(include={"tenant", "session_id", "query_id", "answer_id", "attempt"})
    return AnswerCompleted(**fields, id="a-q1:end", question="?", text="x", answered=False, model="test", tokens_end=1, took_ms=1.0)


async def test_an_empty_session_holds_nothing() -> None:
    """The fold begins with nothing."""
    assert AnswerSoFar() == await after()


async def test_the_fold_is_what_counts_of_the_question() -> None:
    """Where it was asked, what was found, who cancelled, the texts in order."""
    so_far = await after(
        a_query(SESSION, "q0"),
        a_query(SESSION),
        FOUND,
        generation_started(FOUND),
        tokens(FOUND, 0, "a"),
        tokens(FOUND, 1, "b"),
        a_cancellation(SESSION),
    )

    assert (1, FOUND, "ann", ("a", "b")) == (so_far.asked_at, so_far.found, so_far.cancelled_by, so_far.texts)
    assert (so_far.asked, so_far.text) == (True, "ab")


async def test_a_question_that_was_written_twice_was_asked_the_first_time() -> None:
    """Readers of its answer begin there."""
    assert (await after(a_query(SESSION), a_query(SESSION))).asked_at == 0


async def test_other_questions_of_the_session_do_not_count() -> None:
    """Their tokens and ends are theirs."""
    other = chunks_retrieved(SESSION, "q2")

    assert AnswerSoFar(asked_at=0, query=a_query(SESSION)) == await after(a_query(SESSION), other, generation_started(other), tokens(other, 0, "x"))


async def test_a_later_attempt_voids_what_lies_at_and_behind_its_beginning() -> None:
    """Also when what an older one writes comes after it."""
    so_far = await after(
        generation_started(FOUND, 1),
        tokens(FOUND, 0, "a", 1),
        tokens(FOUND, 1, "b", 1),
        generation_started(FOUND, 2, resumes_at=1),
        tokens(FOUND, 2, "late", 1),
        tokens(FOUND, 1, "B", 2),
        tokens(FOUND, 1, "double", 2),
    )

    assert so_far.texts == ("a", "B")


async def test_texts_behind_a_hole_do_not_count() -> None:
    """What goes on there would be wrong for good."""
    assert (await after(generation_started(FOUND), tokens(FOUND, 0, "a"), tokens(FOUND, 2, "c"), tokens(FOUND, 3, "d"))).texts == ("a",)


async def test_the_end_of_an_answer_is_kept_whole_however_it_ended() -> None:
    """For the audit topic, should it be missing there; of two ends the first counts."""
    failure = answer_failed(a_query(SESSION), 1, UnknownSession())
    whole, broken = await after(completed()), await after(failure, completed(2))

    assert (True, True) == (whole.ended, broken.ended)
    assert ["AnswerCompleted", "AnswerFailed"] == [so_far.end.type for so_far in (whole, broken) if so_far.end]


@pytest.mark.parametrize(("first_offset", "asked"), [(None, True), (0, True), (1, False), (2, False)])
async def test_reading_back_begins_where_the_question_lies(first_offset: int | None, asked: bool) -> None:
    """What lies before need not be read."""
    so_far = await after(a_query(SESSION), FOUND, first_offset=first_offset)

    assert asked == so_far.asked


async def test_an_offset_that_retention_has_cut_gives_what_is_left() -> None:
    """Tokens without their beginning are a hole: they do not count."""
    async with MemorySessionLog() as session_log:
        await session_log.create(SESSION)
        await session_log.append(SESSION, [a_query(SESSION), generation_started(FOUND), tokens(FOUND, 0, "a"), tokens(FOUND, 1, "b")], CONTEXT)
        session_log.expire(SESSION, 3)

        assert AnswerSoFar() == await read_back(session_log, SESSION, "q1", 0)


async def test_an_event_is_found_by_its_id() -> None:
    """For what has no fold: cancellations."""
    async with MemorySessionLog() as session_log:
        await session_log.create(SESSION)
        there, other = a_cancellation(SESSION), a_cancellation(SESSION, "q2")
        await session_log.append(SESSION, [there], CONTEXT)

        assert (await holds(session_log, there), await holds(session_log, other)) == (True, False)
