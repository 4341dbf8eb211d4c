"""Hits: what both indexes have for a question. Each is asked behind its guard; one that does not answer is done without."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import structlog

from connectors.embedder.base import Vectors
from connectors.vector_index.base import Hit
from schemas.errors import IndexUnavailable, Unavailable
from streams.chunk_index import ChunkIndex
from streams.search.feedback import moved
from streams.search.guard import Guards
from streams.search.lookup import Lookup
from streams.search.plan import Plan

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Hits(NamedTuple):
    """Of both indexes, best first."""

    vector: list[Hit]
    keyword: list[Hit]


@dataclass(frozen=True)
class Scope:
    """What is asked, and where. `failed` fills with the parts that did not answer."""

    lookup: Lookup
    within: Collection[str] | None
    index: ChunkIndex
    plan: Plan
    guards: Guards
    by: float  #: the loop's time by which both indexes must have answered
    failed: dict[str, Unavailable] = field(default_factory=dict)


async def hits_of(scope: Scope, vector: Awaitable[Vectors] | None) -> Hits:
    """Both at once, the keywords begun first: they may go on in a thread. Raises IndexUnavailable if none answers."""
    sharing = unless_down("keyword", _sharing(scope), [], scope) if "keyword" in scope.index.parts else None
    near = unless_down("vector", _near(scope, vector), [], scope) if vector is not None else None
    asked = [part for part in (sharing, near) if part is not None]
    answers = iter(await asyncio.gather(*asked))
    if scope.failed and len(scope.failed) == len(asked):
        raise IndexUnavailable("Nothing can be looked up at the moment: no part of the index answers.", remedy="Ask again in a few seconds.")
    keyword = next(answers) if sharing is not None else []
    return Hits(next(answers) if near is not None else [], keyword)


async def vectors_of(scope: Scope, chunk_ids: Sequence[str]) -> Vectors | None:
    """The vectors of chunks that were found; None where there are none, or none to be had."""
    if "vector" not in scope.index.parts or "vector" in scope.failed:
        return None
    fetched = scope.guards.vector.run(lambda: scope.index.vectors_of(scope.lookup.tenant, chunk_ids))
    return await unless_down("vector", fetched, None, scope)


async def unless_down(part: str, answer: Awaitable[T], otherwise: T, scope: Scope) -> T:
    """The answer; if the part is down, that is noted, and something else taken."""
    try:
        return await answer
    except Unavailable as error:
        log.warning("search degraded", part=part, error=str(error))
        scope.failed[part] = error
        return otherwise


async def _near(scope: Scope, vector: Awaitable[Vectors]) -> list[Hit]:
    row = await vector
    return await scope.guards.vector.run(lambda: _near_with_feedback(scope, row), by=scope.by)


async def _near_with_feedback(scope: Scope, row: Vectors) -> list[Hit]:
    """The nearest chunks; asked for once more, with the question moved towards the first few of them."""
    tenant, index, plan = scope.lookup.tenant, scope.index, scope.plan
    if plan.feedback_chunks:
        nearest = await index.near(tenant, row, plan.feedback_chunks, scope.within)
        found = await index.vectors_of(tenant, [hit.chunk_id for hit in nearest])
        row = row if found is None or not len(found) else moved(row, found, plan.feedback_weight)
    return await index.near(tenant, row, plan.candidates, scope.within)


async def _sharing(scope: Scope) -> list[Hit]:
    lookup, also = scope.lookup, " ".join(scope.lookup.expansions)
    call = scope.index.sharing
    return await scope.guards.keyword.run(lambda: call(lookup.tenant, lookup.text, scope.plan.candidates, scope.within, also), by=scope.by)
