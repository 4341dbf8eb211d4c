"""Rebuild: a generation of the index out of the log. `roxy index rebuild` calls it; so do a worker that lacks a generation's folder, and replays.

The log is folded to what is there in the end, and that is added in order of its ids, by one thread: the same offsets make the same index,
whatever the log's batches were. So a build that was killed is simply begun again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np

from connectors.embedder.base import Vectors
from connectors.journal.base import Journal
from schemas.errors import GenerationDiffers
from schemas.events import IndexGenerationBuilt
from schemas.topics import CHUNKS
from streams.chunk_change import Change
from streams.chunk_fold import ChunkFold
from streams.chunk_index import ChunkIndex
from streams.derivation import Cutter, derive
from streams.replay import Advance, history

_PART = 2_000  # chunks added in one go
_SAMPLE = 64  # chunks that must find themselves
_AMONG = 200
_SAME = 0.995  # cosine of a vector with itself, kept as float16

Source = Literal["chunks", "documents"]


class Origin(NamedTuple):
    """What a generation is made of. `chunks` and `documents`: the next offset to apply, by partition."""

    source: Source
    chunks: Mapping[int, int]
    documents: Mapping[int, int]

    @classmethod
    def of(cls, event: IndexGenerationBuilt) -> Self:
        return cls(event.source, _numbers(event.offsets), _numbers(event.document_offsets))


class Workshop(NamedTuple):
    """What a build needs."""

    journal: Journal
    open_index: Callable[[], ChunkIndex]
    cutter: Cutter


@dataclass(frozen=True)
class Built:
    """A generation, and what it was made of."""

    index: ChunkIndex
    fold: ChunkFold
    documents: int
    failed: int


async def build(origin: Origin, shop: Workshop, *, advance: Advance = lambda _: None) -> Built:
    """A generation that stands at its origin's offsets. Raises LogUnavailable, ModelUnavailable."""
    index = shop.open_index()
    fold = index.fold()
    documents = failed = 0
    if origin.source == "documents":
        documents, failed = await derive(fold, origin.chunks, origin.documents, shop.journal, shop.cutter, advance)
    else:
        async for records in history(shop.journal, CHUNKS, origin.chunks, advance=advance):
            await asyncio.to_thread(fold.add, records)
    for tenant, changes in fold.parts(_PART):
        await index.take(tenant, changes)
        advance(len(changes))
    await index.advance(origin.chunks)
    return Built(index, fold, documents, failed)


async def verify(built: Built) -> None:
    """Raises GenerationDiffers if the index does not hold what the fold of the log does, or does not find it."""
    index, fold = built.index, built.fold
    if (index.size, index.digest) != (fold.size, fold.digest):
        raise GenerationDiffers(f"The index holds {index.size} chunks ({index.digest}), the log {fold.size} ({fold.digest}).")
    for tenant, chunk_id, change in fold.sample(_SAMPLE):
        for part, finds in (("vector", _finds_vector), ("words", _finds_words)):
            if not await finds(index, tenant, chunk_id, change):
                raise GenerationDiffers(f"Chunk {chunk_id} is not found by its own {part}.")


async def _finds_vector(index: ChunkIndex, tenant: str, chunk_id: str, change: Change) -> bool:
    """It, or others that are as near."""
    if change.vector is None:
        return True
    hits = await index.near(tenant, _unit(change.vector), _AMONG)
    return any(hit.chunk_id == chunk_id for hit in hits) or (len(hits) == _AMONG and hits[-1].score >= _SAME)


async def _finds_words(index: ChunkIndex, tenant: str, chunk_id: str, change: Change) -> bool:
    """It, or so many others that score as high that it is not among those. Of a text without words nothing is found."""
    if change.chunk is None or "keyword" not in index.parts:
        return True
    hits = await index.sharing(tenant, f"{change.chunk.title} {change.chunk.text}", _AMONG)
    return not hits or len(hits) == _AMONG or any(hit.chunk_id == chunk_id for hit in hits)


def _unit(vector: Vectors) -> Vectors:
    wide = vector.astype(np.float32)
    return wide / (float(np.linalg.norm(wide)) or 1.0)


def _numbers(offsets: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): offset for partition, offset in offsets.items()}
