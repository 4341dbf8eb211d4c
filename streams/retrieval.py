"""Retrieval: a question to the chunks found for it. The step of topic `queries`, called by streams/steps.py."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from connectors.embedder.base import Embedder, Vectors
from connectors.reranker.base import Reranker
from schemas.events import SHORTCUTS, ChunksRetrieved, QueryAsked, Understanding
from streams.chunk_index import ChunkIndex
from streams.search.chunk_votes import ChunkVotes
from streams.search.guard import Guards
from streams.search.lookup import Found, Lookup
from streams.search.plan import Plan
from streams.search.result_cache import ResultCache
from streams.search.search import search


async def retrieve(
    asked: QueryAsked,
    understanding: Understanding,
    *,
    embedder: Embedder | None,
    index: ChunkIndex,
    plan: Plan,
    reranker: Reranker | None = None,
    guards: Guards | None = None,
    results: ResultCache | None = None,
    votes: ChunkVotes | None = None,
) -> ChunksRetrieved:
    """The best chunks for what was made of the question: none for what needs no documents. Raises Unavailable if no part of the index answers.

    Where the session's QueryAsked lies, its caller knows: `session_offset` is 0 here.
    """
    begun, guards = time.perf_counter(), guards or Guards()
    votes = votes if plan.chunk_votes_weight else None
    lookup = Lookup(asked.tenant, understanding.text, asked.filters, understanding.expansions)
    searched = partial(_searched, lookup, embedder, index, plan, reranker, guards, votes)
    if understanding.intent in SHORTCUTS:
        found = Found((), index.position)
    elif results is None:
        found = await searched()
    elif (known := results.get(lookup, plan, index.position, votes.known(asked.tenant) if votes else None)) is not None:
        found = known._replace(cached=("results",))
    else:
        found = await searched()
        results.put(lookup, plan, found, index.position)
    return ChunksRetrieved(
        id=f"{asked.query_id}:retrieved",
        tenant=asked.tenant,
        session_id=asked.session_id,
        query_id=asked.query_id,
        question=asked.text,
        filters=asked.filters,
        understanding=understanding,
        chunks=found.chunks,
        context_tokens=sum(chunk.tokens for chunk in found.chunks),
        index=found.position,
        plan=plan.fingerprint,
        votes=found.votes,
        reranker=found.reranker,
        degraded=found.degraded,
        cached=found.cached,
        session_offset=0,
        took_ms=round((time.perf_counter() - begun) * 1000, 3),
    )


async def _searched(
    lookup: Lookup,
    embedder: Embedder | None,
    index: ChunkIndex,
    plan: Plan,
    reranker: Reranker | None,
    guards: Guards,
    votes: ChunkVotes | None,
) -> Found:
    """By vector and by keyword, while the question is embedded."""
    kept: list[bool] = []
    vector = guards.embedder.run(lambda: _embedded(embedder, lookup.text, kept)) if embedder else None
    found = await search(lookup, vector, index=index, plan=plan, reranker=reranker, guards=guards, votes=votes)
    return found._replace(cached=("embedding",)) if any(kept) else found


async def _embedded(embedder: Embedder, question: str, kept: list[bool]) -> Vectors:
    """The question's vector; `kept` is told whether it was known."""
    known, rows = await asyncio.gather(embedder.known([question]), embedder.embed([question], question=True))
    kept += known
    row: Vectors = rows[0]
    return row
