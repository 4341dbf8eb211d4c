"""Generations in Weaviate: a collection each, and an alias that names the one that serves.

The alias is made of what two indexes must have in common to be compared: embedder, dimensions, and how words are told apart. A collection's name
ends in letters of its own, so that a generation on a server that was emptied is never taken for the one of the same number before.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING

from connectors.weaviate.client import WeaviateClient
from schemas.errors import IndexUnavailable, InvalidInput

if TYPE_CHECKING:
    from weaviate import WeaviateAsyncClient

_ADMIN_S = 20.0  # a collection is made in 0.2 s on a quiet machine
_WORDS = "1"  # of connectors/keyword_index/terms.py: raise it when texts give other terms
FIELDS = ("title", "headings", "text")


class Generations:
    """The generations of one index."""

    def __init__(self, client: WeaviateClient, *, embedder: str, dims: int | None) -> None:
        self._client = client
        identity = blake2b(f"{embedder}|{dims or 0}|{_WORDS}".encode(), digest_size=6).hexdigest()
        self.alias = f"RoxyChunks_{identity}"
        self._known = False  # whether the alias was seen: searches need not look again

    async def ensure(self) -> None:
        """There is one that serves."""
        if not self._known:
            await self.serving()

    def forget(self) -> None:
        """Look again before the next call."""
        self._known = False

    async def serving(self) -> str:
        """The collection that the alias names; makes the first. Several at once agree: only one of them gets to make the alias."""
        found = await self._aliased()
        if found is None:
            made = await self.begin()
            if not await self._named(made):
                await self._client.call("drop a collection", lambda client: client.collections.delete(made), _ADMIN_S)
            found = await self._aliased()
        if found is None:
            raise IndexUnavailable(f"Weaviate has no alias {self.alias}, although it was made.")
        self._known = True
        return found

    async def all(self) -> list[str]:
        """Oldest first."""
        names = await self._client.call("list collections", lambda client: client.collections.list_all(simple=True), _ADMIN_S)
        return sorted((name for name in names if name.startswith(f"{self.alias}_g")), key=_number)

    async def begin(self) -> str:
        """A new, empty collection."""
        numbers = [_number(name) for name in await self.all()]
        name = f"{self.alias}_g{max(numbers, default=0) + 1}_{secrets.token_hex(3)}"
        await self._client.call("make a collection", lambda client: _create(client, name), _ADMIN_S)
        return name

    async def swap(self, name: str) -> None:
        await self.serving()
        if not await self._client.call(
            "swap generations", lambda client: client.alias.update(alias_name=self.alias, new_target_collection=name), _ADMIN_S
        ):
            raise IndexUnavailable(f"Weaviate could not let {name} serve.")

    async def drop(self, name: str) -> None:
        if name == await self._aliased():
            raise InvalidInput(f"{name} serves.", remedy="Swap to another generation first.")
        await self._client.call("drop a collection", lambda client: client.collections.delete(name), _ADMIN_S)

    async def _aliased(self) -> str | None:
        found = await self._client.call("look up an alias", lambda client: client.alias.get(alias_name=self.alias), _ADMIN_S)
        return found.collection if found else None

    async def _named(self, name: str) -> bool:
        """Whether the alias was free and names the collection now."""
        try:
            await self._client.call("make an alias", lambda client: client.alias.create(alias_name=self.alias, target_collection=name), _ADMIN_S)
        except IndexUnavailable:
            if await self._aliased() is None:
                raise
            return False
        return True


def _number(name: str) -> int:
    found = re.search(r"_g(\d+)_", name)
    return int(found[1]) if found else 0


async def _create(client: WeaviateAsyncClient, name: str) -> None:
    """One object a chunk. BM25 sees words as tantivy does, since it gets terms: folded, stemmed, without stop words, a blank between each."""
    from weaviate.classes.config import Configure, DataType, Property, StopwordsPreset, Tokenization, VectorDistances

    words = [
        Property(name=field, data_type=DataType.TEXT, tokenization=Tokenization.WHITESPACE, index_filterable=False, index_searchable=True)
        for field in FIELDS
    ]
    chunk_id = Property(name="chunk_id", data_type=DataType.TEXT, tokenization=Tokenization.FIELD, index_filterable=True, index_searchable=False)
    offset = Property(name="offset", data_type=DataType.INT, index_filterable=False)
    await client.collections.create(
        name,
        properties=[chunk_id, offset, *words],
        multi_tenancy_config=Configure.multi_tenancy(enabled=True, auto_tenant_creation=True),
        vector_config=Configure.Vectors.self_provided(
            quantizer=Configure.VectorIndex.Quantizer.none(),
            vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE, ef=_EF, ef_construction=128, max_connections=32),
        ),
        inverted_index_config=Configure.inverted_index(bm25_k1=1.2, bm25_b=0.75, stopwords_preset=StopwordsPreset.NONE),
    )


_EF = 256  # how many nearest are kept in mind on the way through the graph; with fewer than k it would find worse than k
