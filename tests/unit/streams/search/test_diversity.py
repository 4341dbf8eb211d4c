"""Diversity: places for other documents, and maximal marginal relevance."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.search.diversity import by_terms, by_vectors, diverse, spread
from tests.unit.streams.search.candidates import a_candidate, ids

WORTH = st.lists(st.integers(0, 100).map(lambda number: number / 100), max_size=8).map(lambda worth: sorted(worth, reverse=True))


def test_one_document_takes_half_of_the_places_while_others_are_left() -> None:
    """The rest is filled up from it; nobody is lost."""
    candidates = [a_candidate(chunk_id) for chunk_id in ("a#1", "a#2", "a#3", "b#1", "a#4")]

    assert ["a#1", "a#2", "b#1", "a#3", "a#4"] == ids(list(spread(candidates, 4)))
    assert ["a#1", "a#2", "b#1", "a#3", "a#4"] == ids(list(spread(candidates, 3)))
    assert ["a#1", "b#1", "a#2", "a#3", "a#4"] == ids(list(spread(candidates, 1)))


def test_the_second_is_not_the_first_again() -> None:
    """It gives way to one that is worth a little less and says something else."""
    candidates = [a_candidate("best", 1.0), a_candidate("again", 0.9), a_candidate("else", 0.8), a_candidate("poor", 0.0)]
    alike = by_vectors(np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32))

    assert ["best", "else", "again"] == ids(diverse(candidates, alike, 3, 0.3))
    assert ["best", "again", "else"] == ids(diverse(candidates, alike, 3, 0.0))


def test_without_vectors_shared_words_say_how_alike_two_are() -> None:
    """Shared of all: 1 is the same, 0 has nothing in common. Two without any word have nothing in common either."""
    alike = by_terms([frozenset({"lag", "group"}), frozenset({"lag"}), frozenset(), frozenset()])

    assert [[1.0, 0.5, 0.0, 0.0], [0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]] == alike.tolist()
    assert by_terms([]).shape == (0, 0)


@given(worth=WORTH, k=st.integers(1, 10), diversity=st.floats(0, 1))
def test_as_many_as_are_asked_for_come_back_each_once(worth: list[float], k: int, diversity: float) -> None:
    """Of those that went in, and the best first, whatever the weight."""
    candidates = [a_candidate(str(place), each) for place, each in enumerate(worth)]
    rows = np.random.default_rng(1).standard_normal((len(worth), 4)).astype(np.float32)
    chosen = ids(diverse(candidates, by_vectors(rows), k, diversity))

    assert min(k, len(worth)) == len(chosen) == len(set(chosen))
    assert set(chosen) <= set(ids(candidates))
    assert diversity == 1 or not worth or worth[int(chosen[0])] == worth[0]


@given(worth=WORTH, k=st.integers(1, 10))
def test_with_no_weight_the_first_k_come_back(worth: list[float], k: int) -> None:
    """0 is off."""
    candidates = [a_candidate(str(place), each) for place, each in enumerate(worth)]

    assert ids(candidates[:k]) == ids(diverse(candidates, np.ones((len(worth), len(worth)), dtype=np.float32), k, 0.0))
