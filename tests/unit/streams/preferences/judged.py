"""Answers to one question, and strategies of what people may say of them."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.events import AnswerCompleted, Context, Feedback, FeedbackGiven, FeedbackRetracted, IndexPosition

#: Other processes share the cores: how long an example takes says nothing.
UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow])
TIMES = ("2026-11-01T10:00:00.000Z", "2026-11-01T10:00:01.000Z", "2026-11-01T10:00:02.000Z")
RATERS = ("ann", "bob")
ANSWERS = ("a-q1", "a-q1.1", "a-q1.2")
_QUERY = {"tenant": "default", "session_id": "t1", "query_id": "q1"}


def an_answer(answer_id: str = "a-q1", **fields: Any) -> AnswerCompleted:
    context = Context(hash="c1", index=IndexPosition(index="none"))
    said = {"question": "Kept?", "asked": "What is kept?", "text": f"Text of {answer_id}.", "answered": True, "model": "scripted"}
    made = {"attempt": 1, "tokens_end": 3, "took_ms": 1.0, "context": context, "time": TIMES[0]}
    return AnswerCompleted(**{**_QUERY, "id": f"{answer_id}:end", "answer_id": answer_id, **said, **made, **fields})


def given(feedback_id: str = "f1", answer_id: str = "a-q1", by: str = "ann", at: int = 0, query: str = "q1", **says: Any) -> FeedbackGiven:
    """Producers may use an event id again for other words: so does this one."""
    says = says or {"thumb": "up"}
    return FeedbackGiven(
        **{**_QUERY, "query_id": query}, id=f"{feedback_id}:{by}", feedback_id=feedback_id, answer_id=answer_id, given_by=by, time=TIMES[at], **says
    )


def retracted(feedback_id: str = "f1", by: str = "ann", at: int = 1) -> FeedbackRetracted:
    return FeedbackRetracted(**_QUERY, id=f"{feedback_id}:{by}:{at}:gone", feedback_id=feedback_id, retracted_by=by, time=TIMES[at])


def feedback() -> st.SearchStrategy[Feedback]:
    """Any judgement of the three answers by the two raters, at one of three moments, under one of four ids; or its retraction."""
    who = {"feedback_id": st.sampled_from(["f1", "f2", "f3", "f4"]), "by": st.sampled_from(RATERS), "at": st.integers(0, 2)}
    about = st.fixed_dictionaries({**who, "answer_id": st.sampled_from(ANSWERS)})
    says = st.one_of(
        st.fixed_dictionaries({"thumb": st.sampled_from(["up", "down"])}),
        st.fixed_dictionaries({"stars": st.integers(1, 5)}),
        st.fixed_dictionaries({"correction": st.sampled_from(["Better.", "Best."])}),
        st.fixed_dictionaries({"better_than": st.sampled_from(ANSWERS)}),
        st.fixed_dictionaries({"correction": st.just("Good."), "better_than": st.just("a-none")}),
        st.fixed_dictionaries({"signal": st.sampled_from(["copied", "source-opened"])}),
        st.fixed_dictionaries({"comment": st.just("Well."), "thumb": st.just("up"), "correction": st.just("Good.")}),
    )
    return st.builds(lambda place, what: given(**place, **what), about, says) | st.builds(
        lambda place: retracted(**place), st.fixed_dictionaries(who)
    )
