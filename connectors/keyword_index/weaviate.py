"""Keyword index in Weaviate: the words' side of the shared index.

It is given terms, analysed as for tantivy, so both see the same words, and both weigh a word in each field and sum. What a word is worth, Weaviate
takes from all fields together and tantivy from each by itself, so ranks differ: of the sample questions' first 10, 8.6 are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from connectors.keyword_index.base import Entry
from connectors.vector_index.base import Hit
from connectors.weaviate.chunks import WeaviateChunks


class WeaviateKeywordIndex:
    """See connectors/keyword_index/base.py."""

    name = "weaviate"
    shared = True

    def __init__(self, chunks: WeaviateChunks) -> None:
        self._chunks = chunks

    async def upsert(self, tenant: str, entries: Sequence[Entry]) -> None:
        await self._chunks.merge(tenant, [entry.chunk_id for entry in entries], entries=entries)

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        await self._chunks.remove(tenant, chunk_ids)

    async def commit(self, *, more: bool = False) -> None:
        """What was written is found already."""

    async def search(self, tenant: str, question: str, k: int, *, also: str = "", within: Collection[str] | None = None) -> list[Hit]:
        return await self._chunks.sharing(tenant, question, k, also, within)

    async def rarity(self, tenant: str, terms: Collection[str]) -> Mapping[str, int]:
        return {}  # Weaviate does not say
