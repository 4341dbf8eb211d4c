"""Turns: what a question may know of the session before it."""

from __future__ import annotations

import pytest

from connectors.session_log.memory import MemorySessionLog
from schemas.events import AnswerCompleted, Citation, Event, QueryAsked, Understanding, answer_id_of
from schemas.session_id import Session
from streams.understanding import turns as turns_module
from streams.understanding.turns import Turn, turns_before
from tests.builders import CONTEXT, a_query, a_session, chunks_retrieved, tokens

CITED = Citation(number=1, chunk_id="c", document_id="d", title="Lag", source="lag.md")


def an_exchange(session: Session, query_id: str, text: str, understood: str | None = None) -> list[Event]:
    """A question, what was found, and its answer."""
    found = chunks_retrieved(session, query_id, understanding=Understanding(text=understood or text))
    answered = AnswerCompleted(
        **{"id": f"{query_id}:end", "tenant": session.tenant, "session_id": session.id, "query_id": query_id, "answer_id": answer_id_of(query_id)},
        attempt=1,
        question=text,
        text="It is. [1]",
        answered=True,
        citations=(CITED,),
        model="test",
        tokens_end=1,
        took_ms=1.0,
    )
    return [a_query(session, query_id, text=text), found, tokens(found, 0, "It is. [1]"), answered]


async def a_log(session: Session, *events: Event) -> MemorySessionLog:
    log = MemorySessionLog()
    await log.create(session)
    await log.append(session, events, CONTEXT)
    return log


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_a_turn_is_a_question_as_it_was_understood_with_its_answer(placement: str) -> None:
    """In a topic of its own and in a lane, among other sessions."""
    session, other = a_session(placement=placement), a_session(placement="lane")  # type: ignore[arg-type]
    log = await a_log(session, *an_exchange(session, "q1", "and lag?", "What is lag?"))
    await log.append(other, an_exchange(other, "x1", "What else?"), CONTEXT)
    positions = await log.append(session, [a_query(session, "q2", text="why?")], CONTEXT)

    assert (Turn("q1", "What is lag?", "It is. [1]", (CITED,)),) == await turns_before(log, session, "q2", positions[0].offset)


async def test_what_comes_behind_the_question_does_not_count() -> None:
    """So it is understood in the same way when it is delivered again after more was asked and answered."""
    session = a_session()
    log = await a_log(session, *an_exchange(session, "q1", "What is lag?"))
    positions = await log.append(session, [a_query(session, "q2", text="why?")], CONTEXT)
    before = await turns_before(log, session, "q2", positions[0].offset)
    await log.append(session, [*an_exchange(session, "q2", "why?")[1:], *an_exchange(session, "q3", "What is a lane?")], CONTEXT)

    assert before == await turns_before(log, session, "q2", positions[0].offset)


async def test_a_question_that_is_still_being_answered_is_a_turn() -> None:
    """With what is known of it: its words."""
    session = a_session()
    log = await a_log(session, a_query(session, "q1", text="Please tell me what lag is??"), a_query(session, "q2", text="why?"))

    assert (Turn("q1", "what lag is?"),) == await turns_before(log, session, "q2", 1)


async def test_greetings_are_no_turns() -> None:
    """`why?` behind `thanks` asks about what was before that."""
    session = a_session()
    log = await a_log(
        session, *an_exchange(session, "q1", "What is lag?"), *an_exchange(session, "q2", "Thanks!"), a_query(session, "q3", text="why?")
    )

    assert ["q1"] == [turn.query_id for turn in await turns_before(log, session, "q3", 8)]


async def test_only_so_much_of_a_long_session_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last turns, and no more records than a bound, wherever the session's log begins."""
    session = a_session()
    log = await a_log(session, *(event for number in range(20) for event in an_exchange(session, f"q{number}", f"What is {number}?")))
    last = await turns_before(log, session, "qx", 80)
    monkeypatch.setattr(turns_module, "_STRETCHES", (8, 40))
    within = await turns_before(log, session, "qx", 80)
    log.expire(session, before=76)

    assert [f"q{number}" for number in range(16, 20)] == [turn.query_id for turn in last]
    assert ["q18", "q19"] == [turn.query_id for turn in within]
    assert ["q19"] == [turn.query_id for turn in await turns_before(log, session, "qx", 80)]


async def test_what_is_not_near_is_looked_for_further_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a long answer, or many records of other sessions in its lane; and no further than a second bound."""
    monkeypatch.setattr(turns_module, "_STRETCHES", (8, 40))
    session, other = a_session(placement="lane"), a_session(placement="lane")
    log = await a_log(session, *an_exchange(session, "q1", "What is lag?"))
    await log.append(other, [event for number in range(14) for event in an_exchange(other, f"x{number}", "What else?")], CONTEXT)

    assert ["q1"] == [turn.query_id for turn in await turns_before(log, session, "q2", 32)]
    assert () == await turns_before(log, session, "q2", 60)


async def test_a_session_that_has_just_begun_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first record is the question."""
    session = a_session()
    log = await a_log(session, QueryAsked.model_validate(a_query(session).model_dump()))
    monkeypatch.setattr(log, "history", None)

    assert () == await turns_before(log, session, "q1", 0)


async def test_of_a_session_that_was_forgotten_nothing_is_known() -> None:
    """The question is then looked up as it stands."""
    assert () == await turns_before(MemorySessionLog(), a_session(), "q1", 5)
