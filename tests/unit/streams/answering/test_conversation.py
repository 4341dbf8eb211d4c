"""Conversation: what a model is told of the session before a question."""

from __future__ import annotations

import pytest

from connectors.language_model import base
from connectors.language_model.extractive import NO_ANSWER
from connectors.session_log.memory import MemorySessionLog
from schemas.events import AnswerCompleted, Event, Understanding, answer_id_of
from schemas.session_id import Session
from schemas.settings import Settings
from streams.answering.conversation import Conversations, Told, told_of
from streams.turns import Turn
from tests.builders import CONTEXT, a_query, a_session, chunks_retrieved, generation_started


def turns(count: int) -> tuple[Turn, ...]:
    return tuple(Turn(f"q{number}", f"What is {number}?", f"It is number {number}. [1]") for number in range(1, count + 1))


def told_ids(told: Told) -> tuple[list[str], list[str]]:
    return [query_id for query_id, _ in told.verbatim], [query_id for query_id, _ in told.older]


def an_exchange(session: Session, query_id: str, text: str, answer: str) -> list[Event]:
    found = chunks_retrieved(session, query_id, understanding=Understanding(text=text))
    ended = AnswerCompleted(
        **{"id": f"{query_id}:end", "tenant": session.tenant, "session_id": session.id, "query_id": query_id, "answer_id": answer_id_of(query_id)},
        attempt=1,
        question=text,
        text=answer,
        answered=True,
        model="test",
        tokens_end=1,
        took_ms=1.0,
    )
    return [a_query(session, query_id, text=text), found, generation_started(found), ended]


def test_the_last_turns_are_told_whole_and_older_ones_in_a_line() -> None:
    """Both oldest first, by the ids of their queries."""
    told = told_of(turns(9), 5)

    assert (["q5", "q6", "q7", "q8", "q9"], ["q1", "q2", "q3", "q4"]) == told_ids(told)
    assert base.Turn("What is 9?", "It is number 9.") == told.verbatim[-1][1]
    assert "- What is 1? → It is number 1." == told.older[0][1]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Lag is time. [1] It grows. [2][3]", "Lag is time. It grows."),
        ("Lag is time [1, 2], and grows [1–3].", "Lag is time, and grows."),
        ("Lag is a list: [one], [2026].", "Lag is a list: [one], [2026]."),
    ],
)
def test_old_citations_are_taken_out(answer: str, told: str) -> None:
    """Their numbers were those of other chunks: a model would cite them as its own."""
    assert told == told_of((Turn("q1", "What is lag?", answer),), 5).verbatim[0][1].answer


@pytest.mark.parametrize(
    "turn",
    [Turn("q2", "why?"), Turn("q2", "why?", "Because.", withheld=True), Turn("q2", "why?", NO_ANSWER), Turn("q2", "why?", " [1]")],
    ids=["unanswered", "withheld", "not in the documents", "a citation alone"],
)
def test_what_tells_nothing_is_not_told(turn: Turn) -> None:
    """It takes the place of no turn that does."""
    assert (["q1"], []) == told_ids(told_of((*turns(1), turn), 1))


async def test_it_is_read_from_the_log_up_to_the_question() -> None:
    """By any worker the same, also when the question is delivered again after more was said."""
    session = a_session()
    log = MemorySessionLog()
    await log.create(session)
    await log.append(session, [event for number in "123" for event in an_exchange(session, f"q{number}", f"What is {number}?", "So.")], CONTEXT)
    found, conversations = chunks_retrieved(session, "q4", session_offset=12), Conversations(log)
    told = await conversations.before(found, Settings(history_turns=2))
    await log.append(session, [event for number in "456" for event in an_exchange(session, f"q{number}", f"What is {number}?", "So.")], CONTEXT)
    later = await conversations.before(chunks_retrieved(session, "q7", session_offset=24), Settings(history_turns=2))

    assert (["q2", "q3"], ["q1"]) == told_ids(told)
    assert (["q5", "q6"], ["q1", "q2", "q3", "q4"]) == told_ids(later)
    assert told == await conversations.before(found, Settings(history_turns=2)) == await Conversations(log).before(found, Settings(history_turns=2))


async def test_without_turns_to_be_told_nothing_is_read() -> None:
    """ROXY_HISTORY_TURNS=0; and a session's first question, in a topic of its own."""
    conversations = Conversations(None)  # type: ignore[arg-type]

    assert Told() == await conversations.before(chunks_retrieved(session_offset=9), Settings(history_turns=0))
    assert Told() == await conversations.before(chunks_retrieved(session_offset=0), Settings())
