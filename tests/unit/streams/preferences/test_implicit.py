"""streams/preferences/implicit.py: what a session's events tell of its answers."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.events import QueryAsked, RegenerationAsked
from schemas.moments import seconds_of
from streams.insights.answer_row import row_of
from streams.preferences.implicit import Ended, Told, Wish, Wishes, hash_of_words
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
    return wished(*wishes).in_order().told_of(ended)


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


class Moment(float):
    """Counts how often any two are compared."""

    compared = 0

    def __lt__(self, other: float) -> bool:
        Moment.compared += 1
        return super().__lt__(other)

    def __gt__(self, other: float) -> bool:
        Moment.compared += 1
        return super().__gt__(other)

    __hash__ = float.__hash__


def simply_told(wishes: list[Wish], answer: Ended) -> tuple[Told, ...]:
    """What is told of one answer, in the plainest words."""
    firsts: dict[str, tuple[float, str]] = {}
    for wish in wishes:
        if isinstance(wish, QueryAsked):
            question = (seconds_of(wish.time), hash_of_words(wish.text))
            firsts[wish.query_id] = min(question, firsts.get(wish.query_id, question))
    later = sorted((*first, query_id) for query_id, first in firsts.items() if first[0] > answer.at and query_id != answer.query_id)
    others = [wish for wish in wishes if isinstance(wish, RegenerationAsked) and wish.query_id == answer.query_id]
    told: tuple[Told, ...] = ("asked-again",) if later and later[0][1] == answer.words else ()
    regenerated = any(seconds_of(wish.time) > answer.at and wish.sibling.answer_id != answer.answer_id for wish in others)
    return (*told, "regenerated") if regenerated else told


def any_wishes() -> st.SearchStrategy[list[Wish]]:
    """Of three questions, at three moments."""
    query, time = st.sampled_from(["q1", "q2", "q3"]), st.sampled_from(TIMES)
    question = st.builds(asked, st.sampled_from(["kept!", "Kept?", "Why?"]), query, time)
    other = st.builds(
        lambda query_id, number, time: asked_for_another(f"a-{query_id}.{number}", time, query_id=query_id), query, st.integers(1, 2), time
    )
    return st.lists(question | other)


@UNHURRIED
@for_all(any_wishes(), st.sampled_from(["a-q1", "a-q1.1"]), st.sampled_from(TIMES))
def test_what_is_told_is_what_a_look_at_every_wish_tells(wishes: list[Wish], answer_id: str, time: str) -> None:
    """Though only those about the moment are looked at."""
    ended = row_of(an_answer(answer_id, time=time)).ended
    assert ended is not None

    assert simply_told(wishes, ended) == wished(*wishes).in_order().told_of(ended)


def test_a_long_session_is_not_gone_through_for_each_of_its_answers() -> None:
    """Every answer takes a few steps more in a session ten times as long, not ten times as many."""
    many, wishes, words = 1_000, Wishes(), hash_of_words("Kept?")
    for number in range(many):
        wishes.add(asked(query_id=f"q{number}"), Moment(number))
        wishes.add(asked_for_another(f"a-q0.{number}", query_id="q0"), Moment(number))
    Moment.compared = 0
    course = wishes.in_order()
    for number in range(many):
        assert course.told_of(Ended("q0", f"a-q0.{number}", Moment(number - 0.5), words))

    assert Moment.compared < 50 * many


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
