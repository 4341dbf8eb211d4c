"""Vector index in Weaviate: the vectors' side of the shared index. What is upserted here is found by every process at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from connectors.embedder.base import Vectors
from connectors.vector_index.base import Hit
from connectors.weaviate.chunks import WeaviateChunks


class WeaviateVectorIndex:
    """See connectors/vector_index/base.py."""

    name = "weaviate"
    shared = True

    def __init__(self, chunks: WeaviateChunks, dims: int) -> None:
        self._chunks, self._dims = chunks, dims

    async def upsert(self, tenant: str, chunk_ids: Sequence[str], vectors: Vectors, *, alone: bool = False) -> None:
        await self._chunks.merge(tenant, chunk_ids, vectors=vectors)

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        await self._chunks.remove(tenant, chunk_ids)

    async def fetch(self, tenant: str, chunk_ids: Sequence[str]) -> Vectors:
        rows = await self._chunks.fetch(tenant, chunk_ids)
        return np.stack(rows) if rows else np.zeros((0, self._dims), dtype=np.float32)

    async def search(self, tenant: str, vector: Vectors, k: int, *, within: Collection[str] | None = None) -> list[Hit]:
        return await self._chunks.near(tenant, vector, k, within)
