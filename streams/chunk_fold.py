"""Chunk fold: records of `chunks` to what is there in the end. Pure; streams/rebuild_index.py makes a generation of it.

What comes out depends on the records alone, and not on how they were batched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from connectors.embedder.base import Vectors
from schemas.events import ChunkIndexed
from schemas.record import Record
from streams.chunk_change import Change, Changes, IndexedChunk, changes_of
from streams.chunk_store import Stored, added, digest_text

Part = tuple[str, dict[str, Change]]


class ChunkFold:
    """Last changes by tenant and chunk, as an index of that embedder applies them."""

    def __init__(self, embedder_name: str, dims: int | None, *, has_vectors: bool) -> None:
        self._embedder_name, self._dims, self._has_vectors = embedder_name, dims, has_vectors
        self._chunks: dict[str, dict[str, Change]] = {}
        self.unreadable = 0

    def add(self, records: Iterable[Record]) -> None:
        """Records in order of each partition."""
        self._note(changes_of(records, self._embedder_name, self._dims))

    def put(self, event: ChunkIndexed, vector: Vectors | None) -> None:
        """A chunk that no record holds."""
        change = Change(IndexedChunk.of(event), vector)
        self._note(Changes({event.tenant: {event.chunk_id: change}}, 0, 0))

    @property
    def size(self) -> int:
        return sum(map(len, self._chunks.values()))

    @property
    def digest(self) -> str:
        """As the index that holds the same says it."""
        total = 0
        for tenant, chunk_id, change in self._each():
            if change.chunk is not None:
                total = added(total, Stored(tenant, chunk_id, change.chunk, change.vector is not None))
        return digest_text(total)

    def parts(self, size: int) -> Iterator[Part]:
        """Tenant by tenant, so many chunks at a time, in order of their ids: the same ones always make the same index."""
        for tenant in sorted(self._chunks):
            ids = sorted(self._chunks[tenant])
            for start in range(0, len(ids), size):
                yield tenant, {chunk_id: _widened(self._chunks[tenant][chunk_id]) for chunk_id in ids[start : start + size]}

    def sample(self, count: int) -> Iterator[tuple[str, str, Change]]:
        """So many of them, spread over all; always the same ones."""
        ids = [(tenant, chunk_id) for tenant in sorted(self._chunks) for chunk_id in sorted(self._chunks[tenant])]
        for tenant, chunk_id in ids[:: max(len(ids) // count, 1)]:
            yield tenant, chunk_id, self._chunks[tenant][chunk_id]

    def _note(self, changes: Changes) -> None:
        self.unreadable += changes.unreadable
        for tenant, of_tenant in changes.by_tenant.items():
            known = self._chunks.setdefault(tenant, {})
            for chunk_id, change in of_tenant.items():
                if change.chunk is None:
                    known.pop(chunk_id, None)
                else:
                    known[chunk_id] = self._narrowed(change)

    def _narrowed(self, change: Change) -> Change:
        """Vectors lie in the records as float16: kept so, they take half the memory."""
        return change._replace(vector=change.vector.astype(np.float16) if change.vector is not None and self._has_vectors else None)

    def _each(self) -> Iterator[tuple[str, str, Change]]:
        for tenant, known in self._chunks.items():
            for chunk_id, change in known.items():
                yield tenant, chunk_id, change


def _widened(change: Change) -> Change:
    return change._replace(vector=None if change.vector is None else change.vector.astype(np.float32))
