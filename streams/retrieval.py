"""Retrieval: a question to the chunks found for it. The step of topic `queries`, called by streams/steps.py."""

from __future__ import annotations

import time

from connectors.embedder.base import Embedder, Vectors
from schemas.events import ChunksRetrieved, QueryAsked
from schemas.settings import Settings
from streams.chunk_index import ChunkIndex


async def retrieve(
    asked: QueryAsked, *, embedder: Embedder | None, index: ChunkIndex, settings: Settings, session_offset: int = 0
) -> ChunksRetrieved:
    """The best chunks by vector and by keyword, while the question is embedded. Raises Unavailable if no part of the index answers."""
    begun = time.perf_counter()
    vector = _embedded(embedder, asked.text) if embedder else None
    found = await index.search(asked.tenant, asked.text, vector, k=settings.top_k, candidates=settings.candidates)
    return ChunksRetrieved(
        id=f"{asked.query_id}:retrieved",
        tenant=asked.tenant,
        session_id=asked.session_id,
        query_id=asked.query_id,
        question=asked.text,
        chunks=found.chunks,
        index=found.position,
        degraded=found.degraded,
        session_offset=session_offset,
        took_ms=round((time.perf_counter() - begun) * 1000, 3),
    )


async def _embedded(embedder: Embedder, question: str) -> Vectors:
    row: Vectors = (await embedder.embed([question]))[0]
    return row
