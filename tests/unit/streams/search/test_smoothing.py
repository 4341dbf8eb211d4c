"""Smoothing: a chunk takes over a share of the worth of those most like it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.search.smoothing import smoothed
from tests.unit.streams.search.candidates import a_candidate, ids

APART, TOGETHER = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def test_one_of_several_that_say_the_same_passes_one_that_stands_alone() -> None:
    """Though the lists had it behind."""
    candidates = [a_candidate("alone", 0.80), a_candidate("one", 0.79), a_candidate("two", 0.78), a_candidate("three", 0.77)]
    rows = np.array([APART, TOGETHER, TOGETHER, TOGETHER], dtype=np.float32)

    assert ["one", "two", "three", "alone"] == ids(smoothed(candidates, rows, 0.2))


def test_the_new_worth_is_what_the_event_tells() -> None:
    """Four fifths its own, one fifth that of those most like it."""
    candidates = [a_candidate("a", 1.0), a_candidate("b", 0.5)]
    rows = np.array([TOGETHER, TOGETHER], dtype=np.float32)

    assert [pytest.approx(0.9), pytest.approx(0.6)] == [candidate.found.fused for candidate in smoothed(candidates, rows, 0.2)]


@given(worth=st.lists(st.floats(0, 1), max_size=8), weight=st.floats(0, 1))
def test_nobody_is_lost_and_worth_stays_within_its_bounds(worth: list[float], weight: float) -> None:
    """Also with one candidate, with none, and with vectors that point away from each other."""
    candidates = [a_candidate(str(place), each) for place, each in enumerate(worth)]
    rows = np.random.default_rng(0).standard_normal((len(worth), 4)).astype(np.float32)
    after = smoothed(candidates, rows / np.linalg.norm(rows, axis=1, keepdims=True), weight)

    assert sorted(ids(candidates)) == sorted(ids(after))
    assert all(-1e-6 <= candidate.found.fused <= 1 + 1e-6 for candidate in after)


@given(worth=st.lists(st.integers(0, 100).map(lambda number: number / 100), max_size=8))
def test_with_no_weight_the_order_stays(worth: list[float]) -> None:
    """0 is off."""
    candidates = [a_candidate(str(place), each) for place, each in enumerate(sorted(worth, reverse=True))]
    rows = np.tile(TOGETHER.astype(np.float32), (len(worth), 1))

    assert ids(candidates) == ids(smoothed(candidates, rows, 0.0))
