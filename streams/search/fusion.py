"""Fusion: the hits of both indexes to one ranking. Pure.

`weighted` adds the scores, each list's brought to 0..1 between its last hit and its best: how much better a hit is than the next one counts.
`rrf` adds 1 / (60 + rank), where only the order counts. Figures: docs/adr/0012-how-the-parts-are-fused.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import neg

import numpy as np

from connectors.vector_index.base import Hit
from streams.search.candidate import Fused, fused_of
from streams.search.plan import Plan

Scores = dict[str, float]  #: by chunk id
K = 60  #: of Cormack, Clarke, Büttcher 2009: how little the very first ranks count above the next ones


def fuse(vector_hits: Sequence[Hit], keyword_hits: Sequence[Hit], plan: Plan, most: int | None = None) -> list[Fused]:
    """Best first, at most so many; equal ones keep the order of the chunk ids."""
    vector, keyword = _scores(vector_hits), _scores(keyword_hits)
    worth = worth_of_each(vector, keyword, plan)
    ranked = sorted(zip(map(neg, worth.values()), worth, strict=True))[:most]  # without a key, which would take longer than all the rest
    return [fused_of((chunk_id, -falling, vector.get(chunk_id), keyword.get(chunk_id), None)) for falling, chunk_id in ranked]


def worth_of_each(vector: Scores, keyword: Scores, plan: Plan) -> Scores:
    """What each chunk is worth by both lists together. One that a list has not counts there as nothing."""
    if plan.fusion == "rrf":
        first, second = _by_rank(vector), _by_rank(keyword)
    else:
        share = _keyword_share(vector, keyword, plan.keyword_weight)
        first, second = _by_score(vector, 1 - share), _by_score(keyword, share)
    return first | {chunk_id: worth + first.get(chunk_id, 0.0) for chunk_id, worth in second.items()}


def _scores(hits: Sequence[Hit]) -> Scores:
    """A list of hits, in its order."""
    return dict(zip(*zip(*hits, strict=True), strict=True)) if hits else {}


def _keyword_share(vector: Scores, keyword: Scores, weight: float) -> float:
    """A list that is empty, or whose part did not answer, leaves its weight to the other."""
    if not vector:
        return 1.0
    return weight if keyword else 0.0


def _by_rank(scores: Scores) -> Scores:
    return {chunk_id: 1 / (K + rank) for rank, chunk_id in enumerate(scores, start=1)}


def _by_score(scores: Scores, weight: float) -> Scores:
    """The best has all of the weight, the last of them nothing, like one that was not found; if all are alike, all have all of it."""
    if not scores:
        return {}
    values = np.array(list(scores.values()))
    low, high = values.min(), values.max()
    if high == low:
        return dict.fromkeys(scores, weight)
    shares = weight * ((values - low) / (high - low))
    return dict(zip(scores, shares.tolist(), strict=True))
