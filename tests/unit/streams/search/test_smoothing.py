"""Smoothing: a chunk takes over a share of the worth of those most like it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.search.candidate import Fused
from streams.search.smoothing import smoothed

APART, TOGETHER = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def ids(fused: list[Fused]) -> list[str]:
    return [found.chunk_id for found in fused]


def test_one_of_several_that_say_the_same_passes_one_that_stands_alone() -> None:
    """Though the lists had it behind."""
    fused = [Fused("alone", 0.80), Fused("one", 0.79), Fused("two", 0.78), Fused("three", 0.77)]
    rows = np.array([APART, TOGETHER, TOGETHER, TOGETHER], dtype=np.float32)

    assert ["one", "two", "three", "alone"] == ids(smoothed(fused, rows, 0.2))


def test_the_new_worth_is_what_the_event_tells() -> None:
    """Four fifths its own, one fifth that of those most like it."""
    fused = [Fused("a", 1.0), Fused("b", 0.5)]
    rows = np.array([TOGETHER, TOGETHER], dtype=np.float32)

    assert [pytest.approx(0.9), pytest.approx(0.6)] == [found.fused for found in smoothed(fused, rows, 0.2)]


@given(worth=st.lists(st.floats(0, 1), max_size=8), weight=st.floats(0, 1))
def test_nobody_is_lost_and_worth_stays_within_its_bounds(worth: list[float], weight: float) -> None:
    """Also with one candidate, with none, and with vectors that point away from each other."""
    fused = [Fused(str(place), each) for place, each in enumerate(worth)]
    rows = np.random.default_rng(0).standard_normal((len(worth), 4)).astype(np.float32)
    after = smoothed(fused, rows / np.linalg.norm(rows, axis=1, keepdims=True), weight)

    assert sorted(ids(fused)) == sorted(ids(after))
    assert all(-1e-6 <= found.fused <= 1 + 1e-6 for found in after)


@given(worth=st.lists(st.integers(0, 100).map(lambda number: number / 100), max_size=8))
def test_with_no_weight_the_order_stays(worth: list[float]) -> None:
    """0 is off."""
    fused = [Fused(str(place), each) for place, each in enumerate(sorted(worth, reverse=True))]
    rows = np.tile(TOGETHER.astype(np.float32), (len(worth), 1))

    assert ids(fused) == ids(smoothed(fused, rows, 0.0))
