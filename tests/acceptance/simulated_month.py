"""A month of feedback, made from a seed: sessions in lanes and topics with answered questions, and what five people thought of the answers.

Every question has three answers, the third of them from other chunks. Times come out of order; some judgements are given again under their id with
other words, some taken back, some written twice, and some do not fit their answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from schemas.event import rfc3339
from schemas.events import AnswerCompleted, Context, Event, Feedback, FeedbackGiven, FeedbackRetracted, GenerationStarted, IndexPosition, QueryAsked
from schemas.session_id import Session, new_session_id

SESSIONS, QUESTIONS, ANSWERS = 50, 3, 3
RECORDS = 1_200
_RATERS = ("ann", "bob", "cyd", "dan", "eve")
_BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
_MONTH_S = 30 * 24 * 3600


class Month(NamedTuple):
    """What happened."""

    sessions: tuple[Session, ...]
    feedback: tuple[Feedback, ...]  #: in the order in which it is written
    unsound: int  #: how many of them do not fit their answer, each written once


def simulated_month(seed: int) -> Month:
    """The same for the same seed, but for the sessions' ids."""
    chance = Random(seed)
    sessions = tuple(Session("default", new_session_id("default", ("topic", "lane", "lane")[number % 3])) for number in range(SESSIONS))
    feedback: list[Feedback] = []
    unsound = 0
    while len(feedback) < RECORDS:
        given = _given(chance, chance.choice(sessions), f"f{len(feedback)}")
        if wrong := chance.random() < 0.03:
            given = given.model_copy(update=chance.choice([{"answer_id": "a-none"}, {"correction": _text(given.session_id, given.answer_id)}]))
        unsound += wrong
        feedback += [given] if wrong else [given, *_afterwards(chance, given)]
    chance.shuffle(feedback)
    return Month(sessions, tuple(feedback), unsound)


def answers_of(session: Session) -> Iterator[tuple[Event, ...]]:
    """By question, the records that its session has of it."""
    for query in range(1, QUESTIONS + 1):
        about = {"tenant": session.tenant, "session_id": session.id, "query_id": f"{session.id}-q{query}"}
        asked = QueryAsked(**about, id=f"{about['query_id']}:asked", text=f"What is kept in {query}?")
        ends = [_answer(about, number) for number in range(ANSWERS)]
        begun = [GenerationStarted(**about, id=f"{end.answer_id}:1", answer_id=end.answer_id, attempt=1, resumes_at=0, model="m") for end in ends]
        yield (asked, *(event for couple in zip(begun, ends, strict=True) for event in couple))


def _answer(about: dict[str, str], number: int) -> AnswerCompleted:
    answer_id = _answer_id(about["query_id"], number)
    context = Context(hash="other" if number == ANSWERS - 1 else "same", index=IndexPosition(index="none"))
    words = {"question": "What is kept?", "asked": "What is kept?", "text": _text(about["session_id"], answer_id), "answered": True, "model": "m"}
    made = {"attempt": 1, "tokens_end": 1, "took_ms": 1.0, "context": context, "prompt": "Answer from the chunks.", "time": rfc3339(_BEGIN)}
    return AnswerCompleted(**about, id=f"{answer_id}:end", answer_id=answer_id, **words, **made)


def _given(chance: Random, session: Session, feedback_id: str) -> FeedbackGiven:
    query_id = f"{session.id}-q{chance.randint(1, QUESTIONS)}"
    one, other = (_answer_id(query_id, number) for number in chance.sample(range(ANSWERS), 2))
    about = {"tenant": session.tenant, "session_id": session.id, "query_id": query_id, "answer_id": one, "feedback_id": feedback_id}
    says = _says(chance, other)
    return FeedbackGiven(**about, id=f"{feedback_id}:{session.id}", given_by=chance.choice(_RATERS), time=_time(chance), **says)


def _says(chance: Random, other: str) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"correction": f"Better by {chance.random()}."},
        {"better_than": other},
        {"stars": chance.randint(1, 5)},
        {"thumb": chance.choice(["up", "down"]), "comment": "So I think."},
        {"tags": ("outdated",)},
        {"signal": "copied"},
    ]
    return chance.choices(kinds, weights=(25, 25, 25, 15, 5, 5))[0]


def _afterwards(chance: Random, given: FeedbackGiven) -> Iterator[Feedback]:
    """What becomes of a judgement: it is written twice, said otherwise, taken back, or, in most cases, left as it is."""
    fate = chance.random()
    if fate < 0.1:
        yield given
    elif fate < 0.2:
        yield given.model_copy(update={"time": _time(chance), "stars": chance.randint(1, 5)})
    elif fate < 0.3:
        about = given.model_dump(include={"tenant", "session_id", "query_id", "feedback_id"})
        yield FeedbackRetracted(**about, id=f"{given.id}:gone", retracted_by=given.given_by, time=_time(chance))


def _answer_id(query_id: str, number: int) -> str:
    return f"a-{query_id}" + (f".{number}" if number else "")


def _text(session_id: str, answer_id: str) -> str:
    return f"Text of {answer_id} in {session_id}."


def _time(chance: Random) -> str:
    return rfc3339(_BEGIN + timedelta(seconds=chance.uniform(0, _MONTH_S)))
