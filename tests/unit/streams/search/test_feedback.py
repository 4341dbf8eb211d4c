"""Feedback: the question's vector moved towards what is nearest to it."""

from __future__ import annotations

import numpy as np

from streams.search.feedback import moved

QUESTION = np.array([1.0, 0.0], dtype=np.float32)


def test_the_vector_moves_towards_the_mean_and_keeps_its_length() -> None:
    """By the weight: with 1, halfway between the question and the mean of what was found."""
    found = np.array([[0.6, 0.8], [-0.6, 0.8]], dtype=np.float32)
    row = moved(QUESTION, found, 1.25)

    assert np.allclose(row, np.array([1.0, 1.0]) / np.sqrt(2))
    assert row.dtype == np.float32


def test_what_cancels_the_question_out_is_no_division_by_zero() -> None:
    """A weight of 1 and a chunk that is its opposite."""
    assert np.isfinite(moved(QUESTION, -QUESTION[None], 1.0)).all()
