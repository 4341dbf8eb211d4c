"""streams/preferences/implicit.py: what a session's events tell of its answers."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.events import AnswerCancelled, Event, QueryAsked, RegenerationAsked, Sibling
from streams.preferences.implicit import told_by
from streams.unread import NO_READERS
from tests.unit.streams.preferences.judged import UNHURRIED, an_answer


def asked(text: str = "What is kept?", query_id: str = "q1") -> QueryAsked:
    return QueryAsked(id=f"{query_id}:asked", tenant="default", session_id="t1", query_id=query_id, text=text)


def asked_for_another(answer_id: str = "a-q1.1") -> RegenerationAsked:
    about = {"tenant": "default", "session_id": "t1", "query_id": "q1"}
    return RegenerationAsked(**about, id=f"{answer_id}:asked", sibling=Sibling(answer_id=answer_id))


def stopped(tokens_end: int = 3, by: str = "ann") -> AnswerCancelled:
    about = {"tenant": "default", "session_id": "t1", "query_id": "q1", "answer_id": "a-q1", "attempt": 1}
    return AnswerCancelled(**about, id="a-q1:end", cancelled_by=by, tokens_end=tokens_end)


def test_an_answer_that_another_was_asked_for_is_regenerated() -> None:
    """Those that were there by then; not the new one, also if its wish comes twice."""
    told = told_by([asked(), an_answer(), asked_for_another(), an_answer("a-q1.1"), asked_for_another()])

    assert {"a-q1": {"regenerated"}} == told


def test_an_answer_that_was_stopped_is_cut_off() -> None:
    """By somebody who had seen some of it."""
    assert {"a-q1": {"cut-off"}} == told_by([asked(), stopped()])
    assert {} == told_by([asked(), stopped(tokens_end=0)]) == told_by([asked(), stopped(by=NO_READERS)])


def test_a_question_that_comes_again_tells_of_its_answer() -> None:
    """In any case, order and with any signs; words beside it make it another question."""
    again, other = asked("what KEPT is", "q2"), asked("What is kept longest?", "q2")

    assert {"a-q1": {"asked-again"}} == told_by([asked(), an_answer(), again])
    assert {} == told_by([asked(), an_answer(), other]) == told_by([asked(), again]) == told_by([asked(), an_answer(), asked()])


@UNHURRIED
@for_all(st.lists(st.sampled_from([asked(), asked(query_id="q2"), an_answer(), an_answer("a-q1.1"), asked_for_another(), stopped()]), max_size=8))
def test_a_double_changes_nothing(events: list[Event]) -> None:
    """Records that come twice at once, as a redelivery leaves them."""
    assert told_by(events) == told_by([event for event in events for _ in range(2)])
