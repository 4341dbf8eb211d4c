"""Search: the way of a question through its stages: both indexes → fused → the best few, as they will be cited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from typing import NamedTuple

import structlog

from connectors.embedder.base import Vectors
from connectors.vector_index.base import Hit
from schemas.errors import Unavailable
from schemas.events import NO_FILTERS, Filters, IndexPosition, RetrievedChunk
from streams.chunk_change import IndexedChunk
from streams.chunk_index import ChunkIndex
from streams.search.fusion import Fused, fuse, spread
from streams.search.plan import Plan

log = structlog.get_logger(__name__)


class Found(NamedTuple):
    """What a search found, and how."""

    chunks: tuple[RetrievedChunk, ...]
    position: IndexPosition
    degraded: tuple[str, ...]  #: parts that did not answer: "vector", "keyword"


class Lookup(NamedTuple):
    """What is looked up."""

    tenant: str
    text: str
    filters: Filters = NO_FILTERS
    expansions: tuple[str, ...] = ()  #: words that the keyword index is asked for too


async def search(lookup: Lookup, vector: Awaitable[Vectors] | None, *, index: ChunkIndex, plan: Plan) -> Found:
    """The best chunks of both indexes' candidates. `vector`: the text's, being made while the keywords are looked up.

    A part that is not available is named in `degraded`; if nothing else is there, its error is raised.
    """
    tenant, within = lookup.tenant, index.matching(lookup.tenant, lookup.filters)

    async def near() -> list[Hit]:
        return await index.near(tenant, await vector, plan.candidates, within) if vector is not None else []

    hits = await asyncio.gather(
        _or_error(near()), _or_error(index.sharing(tenant, " ".join((lookup.text, *lookup.expansions)), plan.candidates, within))
    )
    failed = {name: part for name, part in zip(("vector", "keyword"), hits, strict=True) if isinstance(part, Unavailable)}
    for name, error in failed.items():
        log.warning("search degraded", part=name, error=str(error))
    if failed and len(failed) >= len(index.parts):
        raise next(iter(failed.values()))
    near_hits, sharing_hits = ([] if isinstance(part, Unavailable) else part for part in hits)
    return Found(tuple(_retrieved(index, tenant, fuse(near_hits, sharing_hits), plan.top_k)), index.position, tuple(failed))


async def _or_error(hits: Awaitable[list[Hit]]) -> list[Hit] | Unavailable:
    try:
        return await hits
    except Unavailable as error:
        return error


def _retrieved(index: ChunkIndex, tenant: str, fused: Sequence[Fused], k: int) -> Iterator[RetrievedChunk]:
    known = {hit: chunk for hit in fused if (chunk := index.chunk(tenant, hit.chunk_id))}  # what was taken away since the hit is passed over
    for rank, hit in enumerate(spread(list(known), k, lambda hit: known[hit].document_id), start=1):
        yield retrieved(known[hit], rank, hit)


def retrieved(chunk: IndexedChunk, rank: int, hit: Fused) -> RetrievedChunk:
    """A chunk as it was found for a question."""
    return RetrievedChunk(
        rank=rank,
        chunk_id=hit.chunk_id,
        document_id=chunk.document_id,
        title=chunk.title,
        source=chunk.source,
        heading_path=chunk.heading_path,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        tokens=chunk.tokens,
        scores=hit.scores,
    )
