"""Turns: what a question may know of the session before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.session_log.base import Gap, SessionRecord
from connectors.session_log.memory import MemorySessionLog
from schemas.cursor import Cursor
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    Citation,
    Event,
    FeedbackGiven,
    FeedbackRetracted,
    QueryAsked,
    Sibling,
    Understanding,
    answer_id_of,
)
from schemas.session_id import Session
from streams.turns import Turn, Turns
from tests.builders import CONTEXT, a_feedback, a_query, a_regeneration, a_session, chunks_retrieved, generation_started, tokens

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


def a_cancelled(session: Session, query_id: str) -> AnswerCancelled:
    identity = {"id": f"{query_id}:end", "tenant": session.tenant, "session_id": session.id, "query_id": query_id}
    return AnswerCancelled(**identity, answer_id=answer_id_of(query_id), attempt=1, tokens_end=0)


def ids(turns: tuple[Turn, ...]) -> tuple[str, ...]:
    return tuple(turn.query_id for turn in turns)


class ReadLog(MemorySessionLog):
    """Another log's records, and from where they were read."""

    def __init__(self, log: MemorySessionLog) -> None:
        super().__init__()
        self._topics = log._topics
        self.read_from: list[int] = []

    def history(self, session: Session, after: Cursor | None = None, *, tokens: bool = True) -> AsyncIterator[SessionRecord | Gap]:
        assert after is not None
        self.read_from.append(after.offset)
        return super().history(session, after, tokens=tokens)


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

    assert (Turn("q1", "What is lag?", "It is. [1]", (CITED,)),) == await Turns(log).before(session, "q2", positions[0].offset)


async def test_what_comes_behind_the_question_does_not_count() -> None:
    """So it is understood in the same way when it is delivered again after more was asked and answered."""
    session = a_session()
    log = await a_log(session, *an_exchange(session, "q1", "What is lag?"))
    positions = await log.append(session, [a_query(session, "q2", text="why?")], CONTEXT)
    before = await Turns(log).before(session, "q2", positions[0].offset)
    await log.append(session, [*an_exchange(session, "q2", "why?")[1:], *an_exchange(session, "q3", "What is a lane?")], CONTEXT)

    assert before == await Turns(log).before(session, "q2", positions[0].offset)


async def test_a_question_that_is_still_being_answered_is_a_turn() -> None:
    """With what is known of it: its words."""
    session = a_session()
    log = await a_log(session, a_query(session, "q1", text="Please tell me what lag is??"), a_query(session, "q2", text="why?"))

    assert (Turn("q1", "what lag is?"),) == await Turns(log).before(session, "q2", 1)


async def test_greetings_are_no_turns() -> None:
    """`why?` behind `thanks` asks about what was before that."""
    session = a_session()
    log = await a_log(
        session, *an_exchange(session, "q1", "What is lag?"), *an_exchange(session, "q2", "Thanks!"), a_query(session, "q3", text="why?")
    )

    assert ["q1"] == [turn.query_id for turn in await Turns(log).before(session, "q3", 8)]


async def test_only_so_much_of_a_long_session_is_read() -> None:
    """The last turns, and no more records than a bound, wherever the session's log begins."""
    session = a_session()
    log = await a_log(session, *(event for number in range(20) for event in an_exchange(session, f"q{number}", f"What is {number}?")))
    last = await Turns(log).before(session, "qx", 80)
    within = await Turns(log).before(session, "qx", 80, reach=(8, 40))
    log.expire(session, before=76)

    assert [f"q{number}" for number in range(20)] == [turn.query_id for turn in last]
    assert ["q18", "q19"] == [turn.query_id for turn in within]
    assert ["q19"] == [turn.query_id for turn in await Turns(log).before(session, "qx", 80)]


async def test_what_is_not_near_is_looked_for_further_back() -> None:
    """Behind a long answer, or many records of other sessions in its lane; and no further than a second bound."""
    session, other = a_session(placement="lane"), a_session(placement="lane")
    log = await a_log(session, *an_exchange(session, "q1", "What is lag?"))
    await log.append(other, [event for number in range(14) for event in an_exchange(other, f"x{number}", "What else?")], CONTEXT)

    assert ["q1"] == [turn.query_id for turn in await Turns(log).before(session, "q2", 32, reach=(8, 40))]
    assert () == await Turns(log).before(session, "q2", 60, reach=(8, 40))


async def test_a_session_that_has_just_begun_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first record is the question."""
    session = a_session()
    log = await a_log(session, QueryAsked.model_validate(a_query(session).model_dump()))
    monkeypatch.setattr(log, "history", None)

    assert () == await Turns(log).before(session, "q1", 0)


async def test_of_an_answers_attempts_the_one_that_counts_is_told() -> None:
    """What an older worker wrote behind the newer one's beginning is void; so is what comes behind a cancellation."""
    session = a_session()
    asked, found, _, stale = an_exchange(session, "q1", "What is lag?")
    counts = stale.model_copy(update={"text": "Lag is time.", "attempt": 2})
    started = generation_started(found, attempt=2)  # type: ignore[arg-type]
    log = await a_log(session, asked, found, started, stale, counts, *an_exchange(session, "q2", "And why?")[:2])
    await log.append(session, [a_cancelled(session, "q2"), an_exchange(session, "q2", "And why?")[3]], CONTEXT)

    assert ["Lag is time.", ""] == [turn.answer for turn in await Turns(log).before(session, "q3", 9)]


async def test_of_a_session_that_was_read_only_what_is_new_is_read() -> None:
    """And nothing twice for the same question; what a worker tells is what one tells that has read nothing before."""
    session = a_session()
    log = ReadLog(await a_log(session, *an_exchange(session, "q1", "What is lag?")))
    turns = Turns(log)
    first = await turns.before(session, "q2", 4)
    await log.append(session, an_exchange(session, "q2", "What is a lane?"), CONTEXT)
    second = [await turns.before(session, "q3", 8) for _ in range(2)]
    await log.append(session, an_exchange(session, "q3", "What is a topic?"), CONTEXT)
    third = await turns.before(session, "q4", 12)

    assert [0, 4, 8] == log.read_from
    assert [("q1",), ("q1", "q2"), ("q1", "q2", "q3")] == [ids(found) for found in (first, second[0], third)]
    assert [second[0], second[0], third] == [second[1], await Turns(log).before(session, "q3", 8), await Turns(log).before(session, "q4", 12)]


async def test_an_older_question_is_told_what_it_was_told_before() -> None:
    """It may come again when later ones have been read for: what was said since does not count."""
    session = a_session()
    log = await a_log(session, *(event for number in range(1, 4) for event in an_exchange(session, f"q{number}", f"What is {number}?")))
    turns = Turns(log)
    told = [ids(await turns.before(session, f"q{at // 4 + 1}", at)) for at in (12, 4, 8, 12)]

    assert [("q1", "q2", "q3"), ("q1",), ("q1", "q2"), ("q1", "q2", "q3")] == told


@given(asked=st.lists(st.tuples(st.integers(0, 20), st.sampled_from([(8,), (8, 40), (40,), (80,)])), min_size=1, max_size=8))
@settings(max_examples=60)
def test_what_a_worker_has_kept_never_shows(asked: list[tuple[int, tuple[int, ...]]]) -> None:
    """Whatever was asked before, in whichever order and with whatever reach: it tells what one tells that has read nothing."""

    async def told() -> list[tuple[str, ...]]:
        session = a_session()
        log = await a_log(session, *(event for number in range(20) for event in an_exchange(session, f"q{number}", f"What is {number}?")))
        turns = Turns(log)
        return [ids(await each.before(session, "qx", 4 * at, reach=reach)) for at, reach in asked for each in (turns, Turns(log))]

    kept_and_fresh = asyncio.run(told())

    assert kept_and_fresh[0::2] == kept_and_fresh[1::2]


async def test_what_retention_has_cut_is_told_no_more() -> None:
    """A worker that has read it before tells what one tells that has not."""
    session = a_session()
    log = await a_log(session, *an_exchange(session, "q1", "What is lag?"), *an_exchange(session, "q2", "What is a lane?"))
    turns = Turns(log)
    before = await turns.before(session, "q3", 8)
    await log.append(session, an_exchange(session, "q3", "What is a topic?"), CONTEXT)
    log.expire(session, before=10)

    assert ("q1", "q2") == ids(before)
    assert () == ids(await turns.before(session, "q4", 12))


async def test_a_foreign_record_is_passed_over() -> None:
    """It must not end the conversation for good."""
    session = a_session()
    log = await a_log(session, *an_exchange(session, "q1", "What is lag?"), *an_exchange(session, "q2", "What is a lane?"))
    records = log._topic(session).records
    records[3] = records[3]._replace(value=b"{not json")

    assert [("q1", ""), ("q2", "It is. [1]")] == [(turn.query_id, turn.answer) for turn in await Turns(log).before(session, "q3", 8)]


async def test_of_a_session_that_was_forgotten_nothing_is_known() -> None:
    """The question is then looked up as it stands."""
    assert () == await Turns(MemorySessionLog()).before(a_session(), "q1", 5)


def another(session: Session, query_id: str, name: str, text: str) -> list[Event]:
    """Another answer to it."""
    *_, first = an_exchange(session, query_id, "What is lag?")
    answer_id = f"{answer_id_of(query_id)}.{name}"
    found = chunks_retrieved(session, query_id, understanding=Understanding(text="What is lag?"), sibling=Sibling(answer_id=answer_id))
    return [a_regeneration(session, query_id, name), found, first.model_copy(update={"id": f"{answer_id}:end", "answer_id": answer_id, "text": text})]


def better(session: Session, answer_id: str, feedback_id: str = "f1") -> FeedbackGiven:
    other = "a-q1" if answer_id != "a-q1" else "a-q1.1"
    return a_feedback(session, "q1", id=f"{feedback_id}:{answer_id}", feedback_id=feedback_id, answer_id=answer_id, better_than=other, thumb=None)


async def told_of(session: Session, *events: Event) -> str:
    """The answer to q1 that a question behind these is told of."""
    log = await a_log(session, *an_exchange(session, "q1", "What is lag?"), *another(session, "q1", "1", "Second."), *events)
    (turn,) = await Turns(log).before(session, "q9", 99)
    return turn.answer


async def test_of_several_answers_the_one_that_was_whole_last_counts_until_one_is_chosen() -> None:
    """Chosen is what was said to be better last, and not taken back."""
    session = a_session()
    taken_back = FeedbackRetracted(**{"id": "r", "tenant": "default", "session_id": session.id, "query_id": "q1", "feedback_id": "f2"})
    said = [
        await told_of(session),
        await told_of(session, better(session, "a-q1")),
        await told_of(session, better(session, "a-q1.1"), better(session, "a-q1")),
        await told_of(session, better(session, "a-q1"), better(session, "a-q1.1", "f2")),
        await told_of(session, better(session, "a-q1"), better(session, "a-q1.1", "f2"), taken_back),
        await told_of(session, better(session, "a-q1"), *another(session, "q1", "2", "Third.")),
        await told_of(session, a_feedback(session, "q1", answer_id="a-q1")),
    ]

    assert ["Second.", "It is. [1]", "It is. [1]", "Second.", "It is. [1]", "It is. [1]", "Second."] == said


async def test_a_question_that_is_answered_again_stays_where_it_was_asked() -> None:
    """However late that is, and also where its own record lies too far back to be read: then it is no turn."""
    session = a_session()
    log = await a_log(
        session, *an_exchange(session, "q1", "What is lag?"), *an_exchange(session, "q2", "What is ISR?"), *another(session, "q1", "1", "Second.")
    )

    assert ("q1", "q2") == ids(await Turns(log).before(session, "q9", 11))
    assert ("q2",) == ids(await Turns(log).before(session, "q9", 11, reach=(7,)))
