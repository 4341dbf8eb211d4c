"""Smoothing: what is like a good chunk is likely good itself (the cluster hypothesis; Diaz 2005, score regularisation). Pure.

Each of the leading candidates takes over a share of the worth of those most like it. Neither list knows of this: a chunk that stands alone
among hits on another matter sinks, one of several that say the same rises. docs/adr/0012-how-the-parts-are-fused.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from connectors.embedder.base import Vectors
from streams.search.candidate import Candidate, Fused

LEADING = 50  #: candidates that are compared: a question sees few, and the time grows with the square
_MOST_LIKE = 3


def smoothed(candidates: Sequence[Candidate], rows: Vectors, weight: float) -> list[Candidate]:
    """The candidates, whose vectors the rows are, in their new order. Equal ones keep the order that they have."""
    if len(candidates) < 2:
        return list(candidates)
    worth = np.array([candidate.found.fused for candidate in candidates])
    worth = (1 - weight) * worth + weight * _around(worth, rows)
    order = np.argsort(-worth, kind="stable").tolist()
    return [_with_worth(candidates[place], float(worth[place])) for place in order]


def _with_worth(candidate: Candidate, worth: float) -> Candidate:
    found = candidate.found  # made anew and not by _replace, which takes four times as long
    return Candidate(Fused(found.chunk_id, worth, found.vector, found.keyword), candidate.chunk)


def _around(worth: Vectors, rows: Vectors) -> Vectors:
    """Of each, the mean worth of those most like it, by how like they are."""
    likeness = np.maximum(rows @ rows.T, 0.0)
    np.fill_diagonal(likeness, 0.0)
    most_like = np.argsort(-likeness, axis=1, kind="stable")[:, :_MOST_LIKE]
    shares = np.take_along_axis(likeness, most_like, axis=1)
    mean: Vectors = (shares * worth[most_like]).sum(axis=1) / np.maximum(shares.sum(axis=1), 1e-12)
    return mean
