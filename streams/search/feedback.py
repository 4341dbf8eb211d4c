"""Pseudo-relevance feedback: the question's vector, moved towards those of the chunks nearest to it (Rocchio 1971). Pure.

A question is a line, a chunk a page: what the nearest chunks have in common says more of what is meant than the question's few words.
docs/adr/0012-how-the-parts-are-fused.md has the figures.
"""

from __future__ import annotations

import math

import numpy as np

from connectors.embedder.base import Vectors


def moved(question: Vectors, found: Vectors, weight: float) -> Vectors:
    """The question's vector and `weight` times the mean of the rows found, as a vector of length 1."""
    towards = question + weight / len(found) * np.add.reduce(found)
    normal: Vectors = (towards / max(math.sqrt(towards @ towards), 1e-12)).astype(np.float32)
    return normal
