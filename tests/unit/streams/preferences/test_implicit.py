"""streams/preferences/implicit.py: what a session's events tell of its answers."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.events import QueryAsked
from schemas.moments import seconds_of
from streams.insights.answer_row import row_of
from streams.preferences.implicit import Told, Wish, Wishes
from tests.unit.streams.insights.judged_sessions import asked, asked_for_another
from tests.unit.streams.preferences.judged import TIMES, UNHURRIED, an_answer


def wished(*wishes: Wish) -> Wishes:
    found = Wishes()
    for wish in wishes:
        found.add(wish, seconds_of(wish.time))
    return found


def told(*wishes: Wish, answer_id: str = "a-q1", time: str = TIMES[0]) -> tuple[Told, ...]:
    """Of the first question's answer."""
    ended = row_of(an_answer(answer_id, time=time)).ended
    assert ended is not None
    return wished(*wishes).told_of(ended)


def test_an_answer_that_another_was_asked_for_is_regenerated() -> None:
    """Those that were there by then; not the new one, also if its wish comes twice."""
    wish = asked_for_another()

    assert ("regenerated",) == told(asked(query_id="q1"), wish, wish)
    assert () == told(wish, answer_id="a-q1.1") == told(wish, time=TIMES[1]) == told(asked_for_another("a-q9.1", query_id="q9"))


def test_a_question_that_comes_again_tells_of_its_answer() -> None:
    """In any case, order and with any signs; words beside it make it another question, and only the next one counts."""
    other = asked("Why?")

    assert ("asked-again",) == told(asked("  KEPT!")) == told(asked(), asked("Why?", "q3", TIMES[2]))
    assert () == told(other, asked(query_id="q3", time=TIMES[2])) == told(asked("Kept when?")) == told(asked(time=TIMES[0]))
    assert () == told(asked(query_id="q1"))


def test_what_was_asked_before_is_forgotten() -> None:
    """It tells of older answers only."""
    wishes = wished(asked(), asked_for_another(), asked("Why?", "q3", TIMES[2]))
    wishes.forget(seconds_of(TIMES[2]))

    assert 1 == len(wishes)


@UNHURRIED
@for_all(
    st.lists(
        st.sampled_from([asked(), asked("Why?", "q3"), asked(time=TIMES[2]), asked_for_another(), asked_for_another("a-q1.2", TIMES[2])])
    ).flatmap(lambda wishes: st.tuples(st.just(wishes), st.permutations(wishes * 2)))
)
def test_order_and_doubles_change_nothing(case: tuple[list[QueryAsked], list[QueryAsked]]) -> None:
    """Times decide."""
    once, shuffled = case

    assert told(*once) == told(*shuffled)
