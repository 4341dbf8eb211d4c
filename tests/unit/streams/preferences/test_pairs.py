"""streams/preferences/pairs.py: what judgements make of a session's answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.events import Context, Feedback, IndexPosition
from streams.preferences.judgements import Judgements
from streams.preferences.pairs import latest, pairs_of
from tests.unit.streams.preferences.judged import ANSWERS, UNHURRIED, an_answer, feedback, given, retracted

THREE = latest(an_answer(answer_id) for answer_id in ANSWERS)


def pairs(*events: Feedback, **options: Any) -> list[tuple[str, str, str, str]]:
    """Signal, rater, chosen and rejected text."""
    return [(pair.signal, pair.rater, pair.chosen.text, pair.rejected.text) for pair in pairs_of(THREE, Judgements(events), **options).values()]


@UNHURRIED
@for_all(st.lists(feedback(), max_size=12).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events + events[: len(events) // 2]))))
def test_any_interleaving_and_redelivery_yields_the_same_pairs(case: tuple[list[Feedback], list[Feedback]]) -> None:
    """Bit for bit: ids, times and texts."""
    once, shuffled = case

    assert pairs_of(THREE, Judgements(once), implicit_weight=0.1) == pairs_of(THREE, Judgements(shuffled), implicit_weight=0.1)


@UNHURRIED
@for_all(st.lists(feedback(), max_size=12))
def test_of_one_rater_no_two_pairs_say_the_opposite(events: list[Feedback]) -> None:
    """Of two answers there is one pair a rater, and it is never preferred to itself."""
    found = [
        (each.rater, frozenset((each.chosen.text, each.rejected.text))) for each in pairs_of(THREE, Judgements(events), implicit_weight=1.0).values()
    ]

    assert len(found) == len(set(found))
    assert all(len(texts) == 2 for _, texts in found)


def test_a_correction_is_preferred_to_its_answer() -> None:
    """It was made from the same chunks."""
    (pair,) = pairs_of(THREE, Judgements([given(correction="Better.")])).values()

    assert ("correction", "Better.", "Text of a-q1.", None, True) == (
        pair.signal,
        pair.chosen.text,
        pair.rejected.text,
        pair.chosen.answer_id,
        pair.same_context,
    )


@pytest.mark.parametrize("text", ["Text of a-q1.", "  Text of a-q1.\n"])
def test_a_correction_that_says_the_same_makes_no_pair(text: str) -> None:
    """There is nothing to prefer."""
    assert [] == pairs(given(correction=text))


def test_marks_of_one_rater_make_pairs_of_siblings() -> None:
    """Higher over lower, of each two that differ; equal ones make none."""
    found = pairs(given("f1", "a-q1", stars=5), given("f2", "a-q1.1", stars=2), given("f3", "a-q1.2", stars=2))

    assert [("ratings", "ann", "Text of a-q1.", "Text of a-q1.1."), ("ratings", "ann", "Text of a-q1.", "Text of a-q1.2.")] == sorted(found)


def test_marks_of_two_raters_make_no_pair() -> None:
    """One is strict, the other is kind."""
    assert [] == pairs(given("f1", "a-q1", by="ann", stars=5), given("f2", "a-q1.1", by="bob", stars=2))


def test_a_comparison_stands_above_marks() -> None:
    """Of the same rater for the same two answers."""
    found = pairs(given("f1", "a-q1", stars=5), given("f2", "a-q1.1", stars=2), given("f3", "a-q1.1", better_than="a-q1"))

    assert [("comparison", "ann", "Text of a-q1.1.", "Text of a-q1.")] == found


def test_who_changes_their_mind_turns_the_pair_round_under_the_same_id() -> None:
    """So that the later one replaces the earlier in the compacted topic."""
    before = pairs_of(THREE, Judgements([given("f1", "a-q1", better_than="a-q1.1")]))
    after = pairs_of(THREE, Judgements([given("f1", "a-q1", better_than="a-q1.1"), given("f2", "a-q1.1", better_than="a-q1", at=1)]))

    assert before.keys() == after.keys()
    assert before != after


def test_a_retraction_takes_the_pair_back() -> None:
    """As if nothing had been said."""
    assert [] == pairs(given("f1", correction="Better."), retracted("f1"))


def test_what_people_do_counts_only_if_asked_for() -> None:
    """An answer that was copied, over those that were not, with the weight that was set."""
    copied = given("f1", "a-q1.2", signal="copied")
    found = pairs_of(THREE, Judgements([copied]), implicit_weight=0.1)

    assert [] == pairs(copied)
    assert [(0.1, "Text of a-q1.2.")] * 2 == [(pair.weight, pair.chosen.text) for pair in found.values()]


def test_answers_from_different_chunks_are_told_apart() -> None:
    """The pair says so."""
    other = an_answer("a-q1.1", context=Context(hash="c2", index=IndexPosition(index="none")))
    (pair,) = pairs_of(latest([an_answer(), other]), Judgements([given(better_than="a-q1.1")])).values()

    assert not pair.same_context


def test_of_two_ends_of_one_answer_the_later_attempt_counts() -> None:
    """In any order: a worker that wakes up late writes the older one's."""
    old, new = an_answer(attempt=4, text="Old."), an_answer(attempt=5, text="New.")

    assert "New." == latest([old, new])["a-q1"].text == latest([new, old])["a-q1"].text


def test_feedback_about_an_answer_that_is_not_there_makes_no_pair() -> None:
    """Nothing breaks either."""
    assert [] == pairs(given("f1", "a-none", correction="Better."), given("f2", "a-q1", better_than="a-none"))
