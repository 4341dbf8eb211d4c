"""Retrieval: a question to the chunks found for it. The step of topic `queries`, called by streams/steps.py."""

from __future__ import annotations

import time

from connectors.embedder.base import Embedder, Vectors
from schemas.events import SHORTCUTS, ChunksRetrieved, QueryAsked, Understanding
from streams.chunk_index import ChunkIndex
from streams.search.plan import Plan
from streams.search.search import Found, Lookup, search


async def retrieve(asked: QueryAsked, understanding: Understanding, *, embedder: Embedder | None, index: ChunkIndex, plan: Plan) -> ChunksRetrieved:
    """The best chunks for what was made of the question: none for what needs no documents. Raises Unavailable if no part of the index answers.

    Where the session's QueryAsked lies, its caller knows: `session_offset` is 0 here.
    """
    begun = time.perf_counter()
    found = await _found(asked, understanding, embedder, index, plan)
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
        degraded=found.degraded,
        session_offset=0,
        took_ms=round((time.perf_counter() - begun) * 1000, 3),
    )


async def _found(asked: QueryAsked, understanding: Understanding, embedder: Embedder | None, index: ChunkIndex, plan: Plan) -> Found:
    """By vector and by keyword, while the question is embedded."""
    if understanding.intent in SHORTCUTS:
        return Found((), index.position, ())
    vector = _embedded(embedder, understanding.text) if embedder else None
    lookup = Lookup(asked.tenant, understanding.text, asked.filters, understanding.expansions)
    return await search(lookup, vector, index=index, plan=plan)


async def _embedded(embedder: Embedder, question: str) -> Vectors:
    row: Vectors = (await embedder.embed([question]))[0]
    return row
