"""Measures: figures that can be worked out by hand, and what chance alone does."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.evaluation.measures import depth_of, difference, mean, measured, names_of
from schemas.errors import InvalidInput

JUDGED = {"q1": {"a": 1, "b": 1}, "q2": {"c": 2, "d": 1, "e": 0}}
NAMES = names_of((2, 10))

DOCUMENTS = st.lists(st.sampled_from("abcdefgh"), unique=True)


def test_the_figures_are_those_of_the_textbook() -> None:
    """nDCG with linear gain, recall of the relevant, reciprocal rank of the first of them."""
    scores = measured(NAMES, {"q1": ["x", "a", "b"], "q2": ["d", "e", "c"]}, JUDGED)

    ideal = {"q1": 1 + 1 / log2(3), "q2": 2 + 1 / log2(3)}
    assert {"q1": (1 / log2(3)) / ideal["q1"], "q2": 1 / ideal["q2"]} == pytest.approx(scores["ndcg@2"])
    assert {"q1": (1 / log2(3) + 1 / 2) / ideal["q1"], "q2": (1 + 2 / 2) / ideal["q2"]} == pytest.approx(scores["ndcg@10"])
    assert {"q1": 0.5, "q2": 0.5} == scores["recall@2"]
    assert {"q1": 1.0, "q2": 1.0} == scores["recall@10"]
    assert {"q1": 0.5, "q2": 1.0} == scores["mrr"]


def test_a_question_for_which_nothing_was_found_counts() -> None:
    """As 0: leaving it out would reward silence."""
    scores = measured(("mrr",), {"q1": ["a"], "q2": []}, JUDGED)

    assert {"mrr": {"q1": 1.0, "q2": 0.0}} == scores
    assert 0.5 == mean(scores["mrr"])


@given(DOCUMENTS, DOCUMENTS)
def test_no_ranking_is_better_than_the_ideal_one(first: list[str], second: list[str]) -> None:
    """Every figure lies between 0 and 1; the ideal ranking has 1."""
    scores = measured(NAMES, {"q1": first, "q2": second}, JUDGED)
    ideal = measured(NAMES, {"q1": ["a", "b"], "q2": ["c", "d"]}, JUDGED)

    assert all(0 <= score <= 1 + 1e-9 for of_all in scores.values() for score in of_all.values())
    assert {1.0} == {round(score, 9) for of_all in ideal.values() for score in of_all.values()}


def test_a_difference_that_is_always_there_is_no_chance() -> None:
    """And one that goes either way is."""
    ours = {f"q{number}": 0.5 for number in range(30)}
    better = dict.fromkeys(ours, 0.6)
    either = {query: 0.5 + (0.1 if number % 2 else -0.1) for number, query in enumerate(ours)}

    assert (0.1, True) == pytest.approx((difference(ours, better).mean, (difference(ours, better).p or 1) < 0.001))
    assert 0.5 < (difference(ours, either).p or 0)
    assert difference(ours, better) == difference(ours, better)


@pytest.mark.parametrize("scores", [{}, {"q1": 0.5}, {"q1": 0.5, "q2": 0.1}])
def test_where_nothing_differs_there_is_nothing_to_test(scores: dict[str, float]) -> None:
    """No p-value, and no warning."""
    assert (0.0, None) == difference(scores, scores)


def test_a_report_has_each_depth_and_the_reciprocal_rank() -> None:
    """Names as they stand in `--json`."""
    assert ("ndcg@10", "ndcg@100", "recall@10", "recall@100", "mrr") == names_of((10, 100))
    assert [10, 7, 100] == [depth_of(name) for name in ("ndcg@10", "recall@7", "mrr")]


@pytest.mark.parametrize("name", ["ndcg", "map@10", "recall@0", "ndcg@ten", ""])
def test_a_name_that_is_no_measure_is_refused(name: str) -> None:
    """With those that are."""
    with pytest.raises(InvalidInput, match=r"ndcg@10"):
        depth_of(name)
