"""Ends of answers that did not become whole, what was asked for, and strategies of all that figures are made of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.events import AnswerCancelled, AnswerFailed, Citation, Cost, Event, Paid, QueryAsked, RegenerationAsked, Sibling, Usage
from streams.unread import NO_READERS
from tests.unit.streams.preferences.judged import ANSWERS as IDS
from tests.unit.streams.preferences.judged import TIMES, an_answer, feedback

ABOUT = {"tenant": "default", "session_id": "t1", "query_id": "q1"}
A, B = (Citation(number=n, chunk_id=f"default/{name}.md#0", document_id=f"{name}.md", title=name, source=name) for n, name in ((1, "a"), (2, "b")))
PAID = Paid(model="large", usage=Usage(prompt_tokens=9), cost=Cost(amount=0.25))
EVER = [*TIMES, "2026-11-01T23:59:59.999Z", "2026-11-02T00:03:00.000Z", "yesterday"]


def a_failure(answer_id: str = "a-q1", error: str = "model-unavailable", **fields: Any) -> AnswerFailed:
    ended = {"attempt": 1, "detail": "", "remedy": "", "retryable": True, "time": TIMES[0]}
    return AnswerFailed(**{**ABOUT, "id": f"{answer_id}:end", "answer_id": answer_id, "error": error, **ended, **fields})


def a_stop(answer_id: str = "a-q1", **fields: Any) -> AnswerCancelled:
    ended = {"attempt": 1, "cancelled_by": "ann", "tokens_end": 3, "time": TIMES[0]}
    return AnswerCancelled(**{**ABOUT, "id": f"{answer_id}:end", "answer_id": answer_id, **ended, **fields})


def asked(text: str = "Kept?", query_id: str = "q2", time: str = TIMES[1], **fields: Any) -> QueryAsked:
    return QueryAsked(**{**ABOUT, "query_id": query_id, "id": f"{query_id}:asked", "text": text, "time": time, **fields})


def asked_for_another(answer_id: str = "a-q1.1", time: str = TIMES[1], **fields: Any) -> RegenerationAsked:
    return RegenerationAsked(**{**ABOUT, "id": f"{answer_id}:asked", "sibling": Sibling(answer_id=answer_id), "time": time, **fields})


def wholes() -> st.SearchStrategy[Event]:
    """The three answers, by any attempt, with any figures: of one attempt and time there may be two that differ."""
    return st.builds(
        an_answer,
        answer_id=st.sampled_from(IDS),
        attempt=st.integers(1, 2),
        time=st.sampled_from(EVER),
        model=st.sampled_from(["small", "large"]),
        answered=st.booleans(),
        took_ms=st.floats(0, 1e6),
        grounding=st.none() | st.floats(0, 1),
        cost=st.none() | st.builds(Cost, amount=st.floats(0, 1), currency=st.sampled_from(["USD", "EUR"])),
        in_vain=st.sampled_from([(), (PAID,)]),
        arms=st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["old", "new"])),
        citations=st.sampled_from([(), (A,), (A, B)]),
        text=st.sampled_from(["Better.", "Text."]),
    )


def others() -> st.SearchStrategy[Event]:
    """Of the same three, ends that are not whole."""
    about = {
        "answer_id": st.sampled_from(IDS),
        "attempt": st.integers(1, 2),
        "time": st.sampled_from(EVER),
        "in_vain": st.sampled_from([(), (PAID,)]),
    }
    failed = st.builds(a_failure, error=st.sampled_from(["model-unavailable", "step-timeout"]), **about)
    return failed | st.builds(a_stop, cancelled_by=st.sampled_from(["ann", NO_READERS]), tokens_end=st.integers(0, 1), **about)


def wishes() -> st.SearchStrategy[Event]:
    """What was asked for in their session."""
    when = st.sampled_from(EVER)
    question = st.builds(asked, text=st.sampled_from(["kept!", "Kept?", "Why?"]), query_id=st.sampled_from(["q1", "q2", "q3"]), time=when)
    return question | st.builds(asked_for_another, answer_id=st.sampled_from(IDS[1:]), time=when)


def happenings() -> st.SearchStrategy[Event]:
    """All of it, in two sessions of two tenants."""
    places = st.sampled_from([{}, {"session_id": "t2"}, {"tenant": "acme"}])
    return st.builds(lambda event, place: event.model_copy(update=place), wholes() | others() | wishes() | feedback(), places)
