"""Searches in Weaviate: how each is asked, and how it is held to certain chunks.

A filter names the chunks, which costs by their number, so only small sets are pushed down. Of a large one more is asked for than is wanted, and
what is not of it is left out; should that leave too few, the set is pushed down in parts, which finds the same as one filter would.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from connectors.embedder.base import Vectors
from connectors.keyword_index.terms import Analyser
from connectors.shared_index.base import HybridHit
from connectors.vector_index.base import Hit
from connectors.weaviate.generations import FIELDS
from connectors.weaviate.rows import object_id, slices

if TYPE_CHECKING:
    from weaviate.collections import CollectionAsync
    from weaviate.collections.classes.filters import _Filters

_PUSHED = 1_000  # chunks that one filter names
_MORE = 5  # times as many hits are asked for before the set is pushed down in parts
_MOST = 10_000  # hits of one search
_SIDE = re.compile(r"Result Set (\w+),.*?original score ([-\d.eE+]+)", re.DOTALL)

Ranked = TypeVar("Ranked", Hit, HybridHit)
Query = Callable[["CollectionAsync[Any, Any]", int, Sequence[str] | None], Awaitable[list[Ranked]]]
Ask = Callable[[int, Sequence[str] | None], Awaitable[list[Ranked]]]


def near(vector: Vectors) -> Query[Hit]:
    """By cosine."""
    numbers = vector.tolist()

    async def ask(chunks: CollectionAsync[Any, Any], limit: int, only: Sequence[str] | None) -> list[Hit]:
        from weaviate.classes.query import MetadataQuery

        found = await chunks.query.near_vector(
            numbers, limit=limit, filters=_only(only), return_properties=["chunk_id"], return_metadata=MetadataQuery(distance=True)
        )
        return [Hit(one.properties["chunk_id"], 1.0 - (one.metadata.distance or 0.0)) for one in found.objects]

    return ask


def sharing(terms: Sequence[str]) -> Query[Hit]:
    """By BM25."""

    async def ask(chunks: CollectionAsync[Any, Any], limit: int, only: Sequence[str] | None) -> list[Hit]:
        from weaviate.classes.query import MetadataQuery

        found = await chunks.query.bm25(
            " ".join(terms),
            query_properties=list(FIELDS),
            limit=limit,
            filters=_only(only),
            return_properties=["chunk_id"],
            return_metadata=MetadataQuery(score=True),
        )
        return [Hit(one.properties["chunk_id"], one.metadata.score or 0.0) for one in found.objects]

    return ask


def hybrid(terms: Sequence[str], vector: Vectors, keyword_weight: float) -> Query[HybridHit]:
    """By both, each side's scores brought to 0…1 and summed."""
    numbers = vector.tolist()

    async def ask(chunks: CollectionAsync[Any, Any], limit: int, only: Sequence[str] | None) -> list[HybridHit]:
        from weaviate.classes.query import HybridFusion, MetadataQuery

        found = await chunks.query.hybrid(
            " ".join(terms),
            vector=numbers,
            alpha=1.0 - keyword_weight if terms else 1.0,
            query_properties=list(FIELDS),
            fusion_type=HybridFusion.RELATIVE_SCORE,
            limit=limit,
            filters=_only(only),
            return_properties=["chunk_id"],
            return_metadata=MetadataQuery(score=True, explain_score=True),
        )
        return [_hybrid_hit(one) for one in found.objects]

    return ask


async def within(ask: Ask[Ranked], k: int, chunk_ids: Collection[str]) -> list[Ranked]:
    """The best k that are among the chunks."""
    if len(chunk_ids) > _PUSHED:
        wanted = min(k * _MORE, _MOST)
        hits = await ask(wanted, None)
        admitted = [hit for hit in hits if hit.chunk_id in chunk_ids]
        if len(admitted) >= k or len(hits) < wanted:
            return admitted[:k]
    parts = await asyncio.gather(*(ask(k, part) for part in slices(list(chunk_ids), _PUSHED)))
    return sorted((hit for part in parts for hit in part), key=lambda hit: -_score(hit))[:k]


def summed(rankings: Sequence[tuple[Sequence[Hit], float]]) -> list[Hit]:
    """One ranking of several: their scores, weighted and added. Best first."""
    scores: defaultdict[str, float] = defaultdict(float)
    for hits, weight in rankings:
        for hit in hits:
            scores[hit.chunk_id] += weight * hit.score
    return sorted((Hit(chunk_id, score) for chunk_id, score in scores.items()), key=lambda hit: (-hit.score, hit.chunk_id))


def only_ids(chunk_ids: Sequence[str]) -> _Filters:
    """These chunks."""
    from weaviate.classes.query import Filter

    return Filter.by_id().contains_any([object_id(chunk_id) for chunk_id in chunk_ids])


def question_terms(question: str) -> list[str]:
    """The words that are asked for, as they stand in the index."""
    return Analyser().question_terms(question)


def _only(chunk_ids: Sequence[str] | None) -> _Filters | None:
    return None if chunk_ids is None else only_ids(chunk_ids)


def _score(hit: Hit | HybridHit) -> float:
    return hit.score if isinstance(hit, Hit) else hit.fused


def _hybrid_hit(found: Any) -> HybridHit:
    """Each side's own score stands in the server's explanation only."""
    sides = {side: float(score) for side, score in _SIDE.findall(found.metadata.explain_score or "")}
    return HybridHit(found.properties["chunk_id"], found.metadata.score or 0.0, sides.get("vector"), sides.get("keyword"))
