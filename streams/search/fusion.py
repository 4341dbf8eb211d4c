"""Fusion: the hits of both indexes to one ranking. Pure.

`weighted` adds the scores, each list's brought to 0..1 between its last hit and its best: how much better a hit is than the next one counts.
`rrf` adds 1 / (60 + rank), where only the order counts. Figures: docs/adr/0012-how-the-parts-are-fused.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.vector_index.base import Hit
from streams.search.candidate import Fused
from streams.search.plan import Plan

K = 60  #: of Cormack, Clarke, Büttcher 2009: how little the very first ranks count above the next ones


def fuse(vector_hits: Sequence[Hit], keyword_hits: Sequence[Hit], plan: Plan, most: int | None = None) -> list[Fused]:
    """Best first, at most so many; equal ones keep the order of the chunk ids."""
    vector, keyword = dict(vector_hits), dict(keyword_hits)
    worth = worth_of_each(vector_hits, keyword_hits, plan)
    ranked = sorted(worth, key=lambda chunk_id: (-worth[chunk_id], chunk_id))[:most]
    return [Fused(chunk_id, worth[chunk_id], vector.get(chunk_id), keyword.get(chunk_id)) for chunk_id in ranked]


def worth_of_each(vector_hits: Sequence[Hit], keyword_hits: Sequence[Hit], plan: Plan) -> dict[str, float]:
    """What each chunk is worth by both lists together. One that a list has not counts there as nothing."""
    if plan.fusion == "rrf":
        first, second = _by_rank(vector_hits), _by_rank(keyword_hits)
    else:
        share = _keyword_share(vector_hits, keyword_hits, plan.keyword_weight)
        first, second = _by_score(vector_hits, 1 - share), _by_score(keyword_hits, share)
    return first | {chunk_id: worth + first.get(chunk_id, 0.0) for chunk_id, worth in second.items()}


def _keyword_share(vector_hits: Sequence[Hit], keyword_hits: Sequence[Hit], weight: float) -> float:
    """A list that is empty, or whose part did not answer, leaves its weight to the other."""
    if not vector_hits:
        return 1.0
    return weight if keyword_hits else 0.0


def _by_rank(hits: Sequence[Hit]) -> dict[str, float]:
    return {hit.chunk_id: 1 / (K + rank) for rank, hit in enumerate(hits, start=1)}


def _by_score(hits: Sequence[Hit], weight: float) -> dict[str, float]:
    """The best has all of the weight, the last of them nothing, like one that was not found; if all are alike, all have all of it."""
    scores = [hit.score for hit in hits]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    if high == low:
        return {hit.chunk_id: weight for hit in hits}
    return {hit.chunk_id: weight * ((hit.score - low) / (high - low)) for hit in hits}
