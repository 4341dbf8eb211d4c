"""Fusion: the hits of both indexes to one ranking, by reciprocal rank. Ranks can be compared where scores cannot. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from connectors.vector_index.base import Hit
from schemas.events import Scores

K = 60  #: of Cormack, Clarke, Büttcher 2009: how little the very first ranks count above the next ones


class Fused(NamedTuple):
    """A chunk, and why it was taken."""

    chunk_id: str
    scores: Scores


def fuse(vector_hits: Sequence[Hit], keyword_hits: Sequence[Hit], k: int = K) -> list[Fused]:
    """Best first. A chunk scores 1 / (k + rank) in each list that has it; equal ones keep the order of the chunk ids."""
    vector = {hit.chunk_id: (rank, hit.score) for rank, hit in enumerate(vector_hits, start=1)}
    keyword = {hit.chunk_id: (rank, hit.score) for rank, hit in enumerate(keyword_hits, start=1)}
    fused = [Fused(chunk_id, _scores(vector.get(chunk_id), keyword.get(chunk_id), k)) for chunk_id in {**vector, **keyword}]
    return sorted(fused, key=lambda found: (-found.scores.fused, found.chunk_id))


def spread(fused: Sequence[Fused], k: int, document_of: Callable[[Fused], str]) -> list[Fused]:
    """The best k, at most half of them of one document while others are left.

    A title is a field of each of its document's chunks, so a document that a question names would else fill all places: of the sample
    questions 34 instead of 33 of 40 then have the right page among the first 5 (keywords only).
    """
    most = -(-k // 2)
    taken: list[Fused] = []
    passed: list[Fused] = []
    counts: Counter[str] = Counter()
    for hit in fused:
        document = document_of(hit)
        (taken if counts[document] < most else passed).append(hit)
        counts[document] += 1
    return (taken + passed)[:k]


def _scores(vector: tuple[int, float] | None, keyword: tuple[int, float] | None, k: int) -> Scores:
    fused = sum(1 / (k + found[0]) for found in (vector, keyword) if found)
    return Scores(vector=vector[1] if vector else None, keyword=keyword[1] if keyword else None, fused=fused)
