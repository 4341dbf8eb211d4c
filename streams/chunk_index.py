"""Chunk index: a worker's own projection of the topic `chunks`. Retrieval searches it, ingestion asks it what is known of a document.

It applies records (ChunkIndexed, tombstones) to the vector index, the keyword index and a store of the chunks' texts. Applying a record
twice changes nothing. `position` says up to which offsets everything can be found; later records may be found already.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import structlog

from connectors.embedder.base import Vectors
from connectors.journal.base import Journal, reached
from connectors.keyword_index.base import Entry, KeywordIndex, Renewed
from connectors.vector_index.base import Hit, Saved, VectorIndex
from schemas.errors import Unavailable
from schemas.events import Filters, IndexPosition
from schemas.record import Record
from schemas.topics import CHUNKS
from streams.chunk_change import Change, IndexedChunk, changes_of
from streams.chunk_fold import ChunkFold
from streams.chunk_store import ChunkStore, Stored
from streams.shared_question import SharedQuestion

_BATCH, _LARGE_BATCH = 256, 1_024  # records applied in one go: about 50 ms, between which searches are answered; and where nobody searches
_CATCHING_UP = 500  # records at a time: what is stale then can wait for the end
_RENEWED = 2_000  # chunks of a tenant, 0.3 s: the scores of a larger one count what is gone until tantivy merges
_READ_S = 0.5
_RETRY_S = 1.0

Part = Literal["vector", "keyword"]

log = structlog.get_logger(__name__)


class ChunkIndex:
    """See the module. One task applies (`follow`); any number search."""

    topic = CHUNKS

    def __init__(self, *, vectors: VectorIndex | None, keywords: KeywordIndex | None, embedder_name: str, dims: int | None = None) -> None:
        self._vectors, self._keywords, self._embedder_name, self._dims = vectors, keywords, embedder_name, dims
        self._store = ChunkStore(has_vectors=vectors is not None)
        self._offsets: dict[int, int] = {}
        self._moved, self._writing = asyncio.Condition(), asyncio.Lock()
        self._stale: set[str] = set()  # tenants whose word statistics still count what is gone
        self.generation = 0  #: of the index; 0: what a worker makes of the topic by itself
        self._ends: SharedQuestion[Mapping[int, int]] | None = None
        self.parts: tuple[Part, ...] = (*(("vector",) if vectors else ()), *(("keyword",) if keywords else ()))  #: that can be searched
        self.shared = any(port is not None and port.shared for port in (vectors, keywords))  #: a part of it lies on a server, for all workers
        self.foreign_vectors = 0  #: chunks whose vector another embedder made: found by keywords only
        self.unreadable = 0  #: records that were passed over

    @property
    def size(self) -> int:
        """Chunks of all tenants."""
        return self._store.size

    @property
    def digest(self) -> str:
        """Of everything in it: two indexes that hold the same have the same one, whatever their pasts."""
        return self._store.digest

    @property
    def identity(self) -> str:
        """Embedder, vector backend, keyword backend."""
        return "/".join([self._embedder_name, *(port.name for port in (self._vectors, self._keywords) if port)])

    @property
    def position(self) -> IndexPosition:
        """What the index knows."""
        offsets = {str(partition): offset for partition, offset in sorted(self._offsets.items())}
        return IndexPosition(index=self.identity, generation=self.generation, offsets=offsets)

    @property
    def positions(self) -> Mapping[int, int]:
        """The next offset to apply, by partition."""
        return dict(self._offsets)

    def chunks_of(self, tenant: str, document_id: str) -> Mapping[str, IndexedChunk]:
        """A document's chunks by id; their `content_hash` says what is embedded."""
        return self._store.chunks_of(tenant, document_id)

    async def vectors_of(self, tenant: str, chunk_ids: Sequence[str]) -> Vectors | None:
        """The vectors of known chunks; None if one of them has none."""
        if self._vectors is None:
            return None
        try:
            return await self._vectors.fetch(tenant, chunk_ids)
        except KeyError:
            return None

    async def apply(self, records: Sequence[Record], *, more: bool = False, alone: bool = False) -> None:
        """Apply records in order. When it returns they can be found, but for those that cannot be applied, which `unreadable` counts.

        `more` may come at once: then the keyword index is left ready to write, until `rest`. `alone`: nobody searches yet.
        """
        async with self._writing:
            step = _LARGE_BATCH if alone else _BATCH
            for start in range(0, len(records), step):
                await self._apply_each(records[start : start + step], alone)
            await self._commit(renew=len(records) < _CATCHING_UP, more=more)
            await self.advance({record.partition: record.offset + 1 for record in records})

    async def take(self, tenant: str, changes: Mapping[str, Change]) -> None:
        """Apply changes that were folded already, in their order. What cannot be applied is raised, and none of this call's chunks is known."""
        async with self._writing:
            await self._apply(tenant, changes)
            await self._commit(renew=True)

    async def rest(self) -> None:
        """Nothing came for a while."""
        if self._keywords is not None:
            async with self._writing:
                await self._keywords.commit()

    async def advance(self, offsets: Mapping[int, int]) -> None:
        """Note that everything below these offsets is applied; the log may have nothing there any more."""
        async with self._moved:
            for partition, offset in offsets.items():
                self._offsets[partition] = max(offset, self._offsets.get(partition, 0))
            self._moved.notify_all()

    async def wait_for(self, positions: Mapping[int, int]) -> None:
        """Return once everything below these offsets is applied."""
        async with self._moved:
            await self._moved.wait_for(lambda: reached(self._offsets, positions))

    async def catch_up(self) -> None:
        """Return once what is in the topic now is applied. Without a journal followed there is nothing to wait for.

        Ingestion must know what the last version of a document has left there: else it would take away too little.
        """
        if self._ends:
            await self.wait_for(await self._ends.answer())

    @asynccontextmanager
    async def still(self) -> AsyncIterator[Mapping[int, int]]:
        """Nothing is applied meanwhile; searches are answered. Gives the next offset to apply, by partition."""
        async with self._writing:
            yield self.positions

    def fold(self) -> ChunkFold:
        """What takes in records as this index would."""
        return ChunkFold(self._embedder_name, self._dims, has_vectors=self._vectors is not None)

    def stored(self) -> list[Stored]:
        """Every chunk."""
        return list(self._store.all())

    @property
    def saved_as(self) -> str:
        """What the files of a saved one are; empty if it has none."""
        return self._vectors.saved_as if isinstance(self._vectors, Saved) else ""

    async def save_vectors(self, folder: Path) -> None:
        """While `still`: the vector index into a folder, if it is one that lies in this process."""
        if isinstance(self._vectors, Saved):
            await self._vectors.save(folder)

    async def load(self, folder: Path, stored: Sequence[Stored], positions: Mapping[int, int]) -> None:
        """Take in what was saved, into an index that is empty."""
        async with self._writing:
            if isinstance(self._vectors, Saved):
                await self._vectors.load(folder)
            for start in range(0, len(stored), _BATCH):
                await self._load_texts(stored[start : start + _BATCH])
            await self._commit(renew=False)
            await self.advance(positions)

    def following(self, journal: Journal) -> None:
        """Say which journal the index is fed from."""
        self._ends = SharedQuestion(lambda: journal.ends(CHUNKS))

    def chunk(self, tenant: str, chunk_id: str) -> IndexedChunk | None:
        """A known chunk."""
        return self._store.chunk(tenant, chunk_id)

    def matching(self, tenant: str, filters: Filters) -> Collection[str] | None:
        """The chunks that filters let through; None: all."""
        return self._store.matching(tenant, filters)

    async def near(self, tenant: str, vector: Vectors, k: int, within: Collection[str] | None = None) -> list[Hit]:
        """The k chunks nearest to a vector of shape (dims,)."""
        return await self._vectors.search(tenant, vector, k, within=within) if self._vectors else []

    async def sharing(self, tenant: str, question: str, k: int, within: Collection[str] | None = None, also: str = "") -> list[Hit]:
        """The k chunks that share words with a question, best first; words of `also` count for less."""
        return await self._keywords.search(tenant, question, k, also=also, within=within) if self._keywords else []

    async def rarity(self, tenant: str, terms: Collection[str]) -> Mapping[str, int]:
        """In how many chunks each term is; empty if no index can tell."""
        return await self._keywords.rarity(tenant, terms) if self._keywords else {}

    async def _commit(self, *, renew: bool, more: bool = False) -> None:
        """What was applied can be found by its words. Where any are gone, those of a small tenant are added anew: scores count what is there."""
        if self._keywords is None:
            return
        await self._keywords.commit(more=more)
        if not renew or not isinstance(self._keywords, Renewed):
            return
        for tenant in sorted(tenant for tenant in self._stale if len(self._store.of(tenant)) <= _RENEWED):
            chunks = self._store.of(tenant)
            await self._keywords.renew(tenant, [chunks[chunk_id].entry(chunk_id) for chunk_id in sorted(chunks)])
            self._stale.discard(tenant)

    async def _load_texts(self, stored: Sequence[Stored]) -> None:
        entries = defaultdict[str, list[Entry]](list)
        self._store.put(stored)
        for one in stored:
            entries[one.tenant].append(one.chunk.entry(one.chunk_id))
        for tenant in entries:
            await self._apply_keywords(tenant, entries[tenant])

    async def _apply_each(self, batch: Sequence[Record], alone: bool) -> None:
        """One record that an index will not take must not keep the others out: should a batch fail, its records go in one by one."""
        try:
            await self._apply_batch(batch, alone)
        except Unavailable:
            raise
        except Exception as error:
            if len(batch) > 1:
                log.warning("chunk records applied one by one", position=str(batch[0].position), records=len(batch), error=str(error))
                for record in batch:
                    await self._apply_each([record], alone)
                return
            log.exception("chunk record passed over", position=str(batch[0].position))
            self.unreadable += 1

    async def _apply_batch(self, batch: Sequence[Record], alone: bool) -> None:
        read = await asyncio.to_thread(changes_of, batch, self._embedder_name, self._dims)
        for tenant, changes in read.by_tenant.items():
            await self._apply(tenant, changes, alone)
        self.unreadable += read.unreadable
        self.foreign_vectors += read.foreign_vectors

    async def _apply(self, tenant: str, changes: Mapping[str, Change], alone: bool = False) -> None:
        """Texts first when chunks come, last when they go, so that a hit has its text."""
        coming = {chunk_id: change.chunk for chunk_id, change in changes.items() if change.chunk is not None}
        going = [chunk_id for chunk_id, change in changes.items() if change.chunk is None]
        if any(self._store.chunk(tenant, chunk_id) for chunk_id in changes):
            self._stale.add(tenant)
        has_vectors = self._vectors is not None
        self._store.put([Stored(tenant, chunk_id, chunk, has_vectors and changes[chunk_id].vector is not None) for chunk_id, chunk in coming.items()])
        # Side by side: each adds in a thread of its own. Both are waited for, also if one has failed.
        entries = [chunk.entry(chunk_id) for chunk_id, chunk in coming.items()]
        parts = self._apply_vectors(tenant, changes, alone), self._apply_keywords(tenant, entries, going)
        done = await asyncio.gather(*parts, return_exceptions=True)
        failed = [error for error in done if isinstance(error, BaseException)]
        for chunk_id in coming if failed else going:
            self._store.drop(tenant, chunk_id)  # one that failed is not known, so ingestion writes it again with the document's next version
        if failed:
            raise min(failed, key=lambda error: not isinstance(error, Unavailable))  # what passes must not be taken for the record's fault

    async def _apply_vectors(self, tenant: str, changes: Mapping[str, Change], alone: bool) -> None:
        if self._vectors is None or self._vectors.shared:
            return
        with_vector = {chunk_id: change.vector for chunk_id, change in changes.items() if change.vector is not None}
        await self._vectors.remove(tenant, [chunk_id for chunk_id in changes if chunk_id not in with_vector])
        if with_vector:
            await self._vectors.upsert(tenant, list(with_vector), np.stack(list(with_vector.values())), alone=alone)

    async def _apply_keywords(self, tenant: str, entries: Sequence[Entry], going: Sequence[str] = ()) -> None:
        if self._keywords is not None and not self._keywords.shared:
            await self._keywords.remove(tenant, going)
            await self._keywords.upsert(tenant, entries)


async def follow(journal: Journal, index: ChunkIndex, *, starting: bool = False) -> None:
    """Apply the topic `chunks` from where the index stands, for ever. Whatever fails, it tries again: a worker without it would go deaf.

    `starting`: nothing else is done in this process, and nobody searches, until what is there now is applied.
    """
    index.following(journal)
    ends: Mapping[int, int] = {}
    while True:
        try:
            if starting and not ends:
                ends = await journal.ends(CHUNKS)
            async with journal.follow(CHUNKS, index.positions or None) as follower:
                while True:
                    records = await follower.read(_READ_S)
                    if records:
                        await index.apply(records, more=True, alone=not reached(index.positions, ends))
                    else:
                        await index.rest()
                    await index.advance(follower.positions)
        except Unavailable as error:
            log.warning("chunks not followed", error=str(error), retry_s=_RETRY_S)
        except Exception:
            log.exception("chunks not followed", retry_s=_RETRY_S)
        await asyncio.sleep(_RETRY_S)
