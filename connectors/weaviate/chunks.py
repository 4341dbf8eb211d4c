"""The chunks of an index in Weaviate: written and fetched. One object a chunk; a tenant is a tenant of Weaviate's, with an index of its own.

Backend of connectors/shared_index/base.py; connectors/vector_index/weaviate.py and connectors/keyword_index/weaviate.py are views of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from connectors.embedder.base import Vectors
from connectors.keyword_index.base import ALSO_WEIGHT, Entry
from connectors.shared_index.base import HybridHit, SharedChange
from connectors.vector_index.base import Hit
from connectors.weaviate import searches
from connectors.weaviate.client import WeaviateClient
from connectors.weaviate.generations import Generations
from connectors.weaviate.rows import Row, object_id, row_of, slices, terms_of
from schemas.errors import IndexRefused, IndexUnavailable

if TYPE_CHECKING:
    from weaviate.collections import CollectionAsync

_WRITE_S = 30.0
#: Of what is written in an object's error: it will not be taken however often it is tried. Anything else may pass, such as a full disk.
_OF_THE_CHUNK = re.compile(r"vector lengths|vector dimensions|invalid", re.IGNORECASE)
_SLICE = 256  # objects written or read in one call: 50 ms; twice as many are no faster

Found = TypeVar("Found")


class WeaviateChunks:
    """See connectors/shared_index/base.py."""

    name = "weaviate"

    def __init__(self, client: WeaviateClient, *, embedder: str, dims: int | None, search_timeout_s: float) -> None:
        self._client, self._search_s = client, search_timeout_s
        self._generations = Generations(client, embedder=embedder, dims=dims)

    async def serving(self) -> str:
        return await self._generations.serving()

    async def generations(self) -> Sequence[str]:
        return await self._generations.all()

    async def begin(self) -> str:
        return await self._generations.begin()

    async def swap(self, generation: str) -> None:
        await self._generations.swap(generation)

    async def drop(self, generation: str) -> None:
        await self._generations.drop(generation)

    async def close(self) -> None:
        await self._client.close()

    async def count(self, generation: str, tenant: str) -> int:
        found = await self._on(tenant, "count chunks", lambda chunks: chunks.aggregate.over_all(total_count=True), _WRITE_S, generation)
        return found.total_count or 0 if found is not None else 0

    async def apply(self, generation: str, tenant: str, changes: Sequence[SharedChange]) -> None:
        refused: list[IndexRefused] = []
        for part in slices(changes, _SLICE):
            try:
                await self._apply(generation, tenant, part)
            except IndexRefused as error:
                refused.append(error)
        if refused:
            raise IndexRefused(refused[0].detail, chunk_ids=frozenset().union(*(error.chunk_ids for error in refused)))

    async def merge(self, tenant: str, chunk_ids: Sequence[str], *, vectors: Vectors | None = None, entries: Sequence[Entry] | None = None) -> None:
        """Replace one side of chunks, the vectors or the terms, in what serves; the other side stays as it is."""
        await self._generations.ensure()
        terms = None if entries is None else await asyncio.to_thread(terms_of, entries)
        last = {chunk_id: place for place, chunk_id in enumerate(chunk_ids)}  # the last of an id that comes twice
        for part in slices(list(last), _SLICE):
            known = await self._read(tenant, part)
            rows = [known.get(chunk_id, Row(chunk_id)) for chunk_id in part]
            if vectors is not None:
                rows = [row._replace(vector=vectors[last[row.chunk_id]]) for row in rows]
            if terms is not None:
                rows = [row._replace(terms=terms[last[row.chunk_id]]) for row in rows]
            await self._write(tenant, rows)

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        """Take chunks away, with both sides. Unknown ids are passed over."""
        await self._generations.ensure()
        for part in slices(chunk_ids, _SLICE):
            await self._delete(tenant, part)

    async def fetch(self, tenant: str, chunk_ids: Sequence[str]) -> list[Vectors]:
        """Their vectors, in order. Raises KeyError if one of them has none."""
        await self._generations.ensure()
        known: dict[str, Row] = {}
        for part in slices(list(dict.fromkeys(chunk_ids)), _SLICE):
            known |= await self._read(tenant, part)
        found = [known[chunk_id].vector for chunk_id in chunk_ids]
        if any(vector is None for vector in found):
            raise KeyError("a chunk has no vector")
        return [vector for vector in found if vector is not None]

    async def near(self, tenant: str, vector: Vectors, k: int, within: Collection[str] | None) -> list[Hit]:
        """The nearest by cosine."""
        return await self._search(tenant, "search vectors", searches.near(vector), k, within)

    async def sharing(self, tenant: str, question: str, k: int, also: str, within: Collection[str] | None) -> list[Hit]:
        """The best by BM25. It has no weights for words: those of `also` are a search of their own, whose scores are added."""
        terms = searches.question_terms(question)
        more = [term for term in searches.question_terms(also) if term not in terms]
        asked = [(words, weight) for words, weight in ((terms, 1.0), (more, ALSO_WEIGHT)) if words]
        found = await asyncio.gather(*(self._search(tenant, "search words", searches.sharing(words), k, within) for words, _ in asked))
        return searches.summed([(hits, weight) for hits, (_, weight) in zip(found, asked, strict=True)])[:k]

    async def hybrid(
        self, tenant: str, question: str, vector: Vectors, k: int, keyword_weight: float, within: Collection[str] | None = None
    ) -> list[HybridHit]:
        query = searches.hybrid(searches.question_terms(question), vector, keyword_weight)
        return await self._search(tenant, "search both sides", query, k, within)

    async def _search(
        self, tenant: str, what: str, query: searches.Query[searches.Ranked], k: int, within: Collection[str] | None
    ) -> list[searches.Ranked]:
        await self._generations.ensure()

        async def ask(limit: int, only: Sequence[str] | None) -> list[searches.Ranked]:
            found = await self._on(tenant, what, lambda chunks: query(chunks, limit, only), self._search_s)
            return found or []

        if k <= 0:
            return []
        return await (ask(k, None) if within is None else searches.within(ask, k, within))

    async def _apply(self, generation: str, tenant: str, changes: Sequence[SharedChange]) -> None:
        """What is there already by a later record is left alone: a worker that was paused may write what others have passed."""
        known = await self._read(tenant, [change.chunk_id for change in changes], generation, vectors=False)
        due = [change for change in changes if change.chunk_id not in known or known[change.chunk_id].offset <= change.offset]
        await self._delete(tenant, [change.chunk_id for change in due if change.entry is None], generation)
        await self._write(tenant, await asyncio.to_thread(_rows, due), generation)

    async def _read(self, tenant: str, chunk_ids: Sequence[str], generation: str | None = None, *, vectors: bool = True) -> Mapping[str, Row]:
        ids = [object_id(chunk_id) for chunk_id in chunk_ids]
        found = await self._on(
            tenant,
            "read chunks",
            lambda chunks: chunks.query.fetch_objects_by_ids(ids, limit=len(ids), include_vector=vectors),
            _WRITE_S,
            generation,
        )
        return {row.chunk_id: row for row in map(row_of, found.objects)} if found is not None else {}

    async def _write(self, tenant: str, rows: Sequence[Row], generation: str | None = None) -> None:
        if not rows:
            return
        data = [row.data() for row in rows]
        errors = await self._on(tenant, "write chunks", lambda chunks: _inserted(chunks, data), _WRITE_S, generation) or {}
        for error in errors.values():
            if not _OF_THE_CHUNK.search(error):
                raise IndexUnavailable(f"Weaviate could not write {len(errors)} of {len(rows)} chunks: {error}.")
        if errors:
            refused = frozenset(rows[place].chunk_id for place in errors)
            await self._delete(tenant, sorted(refused), generation)  # one may have been stored before its vector was looked at
            raise IndexRefused(f"Weaviate would not take {len(refused)} of {len(rows)} chunks: {next(iter(errors.values()))}.", chunk_ids=refused)

    async def _delete(self, tenant: str, chunk_ids: Sequence[str], generation: str | None = None) -> None:
        if not chunk_ids:
            return
        done = await self._on(
            tenant, "remove chunks", lambda chunks: chunks.data.delete_many(where=searches.only_ids(chunk_ids)), _WRITE_S, generation
        )
        if done is not None and done.failed:
            raise IndexUnavailable(f"Weaviate could not remove {done.failed} of {len(chunk_ids)} chunks.")

    async def _on(
        self, tenant: str, what: str, work: Callable[[CollectionAsync[Any, Any]], Awaitable[Found]], timeout_s: float, generation: str | None = None
    ) -> Found | None:
        """What the work returns on the tenant's part of a generation (None: of the serving one); None if there is no such tenant."""
        collection = generation or self._generations.alias
        try:
            return await self._client.call(what, lambda client: work(client.collections.use(collection).with_tenant(tenant)), timeout_s)
        except IndexUnavailable as error:
            if "tenant not found" in error.detail:
                return None
            if "could not find class" in error.detail:  # the server was emptied
                self._generations.forget()
            raise


async def _inserted(chunks: CollectionAsync[Any, Any], data: Sequence[Any]) -> dict[int, str]:
    """What was not taken, by its place. The client raises if nothing was."""
    from weaviate.exceptions import WeaviateInsertManyAllFailedError

    try:
        done = await chunks.data.insert_many(data)
    except WeaviateInsertManyAllFailedError as error:
        return dict.fromkeys(range(len(data)), " ".join(error.message.split())[:300])
    return {place: error.message for place, error in done.errors.items()}


def _rows(changes: Sequence[SharedChange]) -> list[Row]:
    coming = [(change, change.entry) for change in changes if change.entry is not None]
    terms = terms_of([entry for _, entry in coming])
    return [Row(change.chunk_id, change.offset, of_chunk, change.vector) for (change, _), of_chunk in zip(coming, terms, strict=True)]
