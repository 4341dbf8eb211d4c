"""Diversity: not the same again. At most half of the places for one document, and, if asked for, maximal marginal relevance. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.embedder.base import Vectors
from streams.search.candidate import Candidate

Similarity = NDArray[np.float32]  #: of each candidate to each, shape (candidates, candidates); 1 is the same


def spread(candidates: Iterable[Candidate], k: int) -> Iterator[Candidate]:
    """All of them, so that among the first k at most half are of one document while others are left.

    A title is a field of each of its document's chunks, so a document that a question names would else fill all places: of the sample
    questions 34 instead of 33 of 40 then have the right page among the first 5 (keywords only).
    """
    most = -(-k // 2)
    passed: list[Candidate] = []
    counts: Counter[str] = Counter()
    for candidate in candidates:
        counts[candidate.chunk.document_id] += 1
        if counts[candidate.chunk.document_id] <= most:
            yield candidate
        else:
            passed.append(candidate)
    yield from passed


def diverse(candidates: Sequence[Candidate], similarity: Similarity, k: int, diversity: float) -> list[Candidate]:
    """The best k by maximal marginal relevance (Carbonell, Goldstein 1998): the next one is worth most, and least like those before it.

    Worth is brought to 0..1 over the candidates; `diversity` is the weight of being unlike.
    """
    worth = _normalised([candidate.worth for candidate in candidates])
    likest = np.full(len(candidates), -np.inf)  # to any that is chosen; the first has none before it
    chosen: list[int] = []
    while len(chosen) < min(k, len(candidates)):
        margin = (1 - diversity) * worth - (diversity * likest if chosen else 0.0)
        margin[chosen] = -np.inf
        chosen.append(int(np.argmax(margin)))
        likest = np.maximum(likest, similarity[chosen[-1]])
    return [candidates[place] for place in chosen]


def by_vectors(rows: Vectors) -> Similarity:
    """Cosines of rows of length 1."""
    likeness: Similarity = rows @ rows.T
    return likeness


def by_terms(terms: Sequence[frozenset[str]]) -> Similarity:
    """Shared terms of all terms of two texts, where there are no vectors."""
    likeness = [[len(one & other) / max(len(one | other), 1) for other in terms] for one in terms]
    return np.array(likeness, dtype=np.float32).reshape(len(terms), len(terms))


def _normalised(worth: Sequence[float]) -> NDArray[np.float64]:
    values = np.array(worth, dtype=np.float64)
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    return (values - low) / (high - low) if high > low else np.ones_like(values)
