"""Smoothing: what is like a good chunk is likely good itself (the cluster hypothesis; Diaz 2005, score regularisation). Pure.

Each of the leading candidates takes over a share of the worth of those most like it. Neither list knows of this: a chunk that stands alone
among hits on another matter sinks, one of several that say the same rises. docs/adr/0012-how-the-parts-are-fused.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.embedder.base import Vectors
from streams.search.candidate import Fused, fused_of

Worth = NDArray[np.float64]
LEADING = 50  #: candidates that are compared: a question sees few, and the time grows with the square
_MOST_LIKE = 3


def smoothed(fused: Sequence[Fused], rows: Vectors, weight: float) -> list[Fused]:
    """The candidates, whose vectors the rows are, in their new order. Equal ones keep the order that they have."""
    if len(fused) < 2:
        return list(fused)
    worth = np.array([found.fused for found in fused])
    worth = (1 - weight) * worth + weight * _around(worth, rows)
    order, new = np.argsort(-worth, kind="stable").tolist(), worth.tolist()
    return [fused_of((fused[place].chunk_id, new[place], *fused[place][2:])) for place in order]


def _around(worth: Worth, rows: Vectors) -> Worth:
    """Of each, the mean worth of those most like it, by how like they are."""
    likeness = np.maximum(rows @ rows.T, 0.0)
    np.fill_diagonal(likeness, 0.0)
    each, total, shares = np.arange(len(worth)), np.zeros(len(worth)), np.zeros(len(worth))
    for _ in range(_MOST_LIKE):  # looking for the most alike three times takes half as long as sorting
        likest = likeness.argmax(axis=1)
        share = likeness[each, likest]
        total, shares = total + share * worth[likest], shares + share
        likeness[each, likest] = 0.0
    return total / np.maximum(shares, 1e-12)
