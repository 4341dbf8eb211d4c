"""Ingestion: a version of a document to what changes in `chunks`. The step of topic `documents`, called by streams/steps.py.

Only what changed is written, and only a chunk whose content is new is embedded. What is done is written while the rest is under way, so a
redelivered record goes on where its worker was killed: what is in `chunks` by then is kept. All ids follow from the document and the
record it came in, so nothing is there twice. Until a version is whole, questions find what is there of it and what is left of the one before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext, suppress
from functools import cached_property
from typing import Literal

from connectors.chunker.by_content_type import ChunkerByContentType
from connectors.embedder.base import Embedder
from schemas.errors import IndexUnavailable
from schemas.events import ChunkIndexed, DocumentDeleted, DocumentIndexed, DocumentRemoved, DocumentSubmitted, IngestionProgressed
from schemas.record import Position
from schemas.topics import CHUNKS
from streams.chunk_change import IndexedChunk
from streams.chunk_index import ChunkIndex
from streams.chunk_vectors import Untimed, with_vectors
from streams.document_chunks import CutDocument, cut_document, read_document
from streams.outlet import Output, Tombstones

_LARGE = 64  # chunks to be written: about 6 s of a model on two cores; below that nobody needs to be told how far it is
_MOST_TOLD = 50  # times, of one version
_APPLIED_S = 5.0  # what was written, by the index
_CATCHING_UP_S = 120.0  # of the index, with each try


async def ingest(
    event: DocumentSubmitted | DocumentDeleted,
    *,
    chunker: ChunkerByContentType,
    embedder: Embedder | None,
    index: ChunkIndex,
    source: Position,
    untimed: Untimed = nullcontext,
) -> AsyncGenerator[Output, None]:
    """What a version of a document, or its deletion, changes, and at the end its outcome. `source`: the record that it came in.

    `untimed` stops the step's clock: a large document takes as long as its embedder needs, and that has a limit of its own for each batch.
    Raises UnreadableDocument, InvalidDocument, ModelUnavailable, IndexUnavailable, LogUnavailable.
    """
    with untimed():
        await _caught_up(index)
    version = _Version(event, source, {**index.chunks_of(event.tenant, event.document_id)})
    if isinstance(event, DocumentDeleted):
        if version.known:
            yield Tombstones(CHUNKS, tuple(version.known))
        await _applied(index)
        yield version.removed()
        return
    parsed = await read_document(event)
    with untimed():  # a chunker may ask the embedder
        version.cut = await cut_document(event, parsed, chunker, embedder.name if embedder else "none")
    async with aclosing(_written(version, embedder, index, untimed)) as outputs:
        async for output in outputs:
            yield output
    await _applied(index)
    yield version.indexed()


async def _applied(index: ChunkIndex) -> None:
    """Who is told that a document is indexed, or gone, shall find it so. What is written is safe: an index that lags is not waited for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_APPLIED_S):
            await index.catch_up()


async def _caught_up(index: ChunkIndex) -> None:
    """An index that lags may catch up: the document is not to blame, so it is tried again."""
    try:
        async with asyncio.timeout(_CATCHING_UP_S):
            await index.catch_up()
    except TimeoutError as error:
        raise IndexUnavailable(f"The index has not caught up with `chunks` within {_CATCHING_UP_S:g} s.") from error


async def _written(version: _Version, embedder: Embedder | None, index: ChunkIndex, untimed: Untimed) -> AsyncGenerator[Output, None]:
    changed = version.changed
    told_of, step = 0, max(len(changed) // _MOST_TOLD, _LARGE // 2)
    if len(changed) >= _LARGE:
        yield version.progressed("cut")
    async with aclosing(with_vectors(changed, embedder, index, version.known, untimed)) as parts:
        async for ready in parts:
            yield ready.chunks
            version.written += len(ready.chunks)
            version.embedded += ready.embedded
            if len(changed) >= _LARGE and told_of + step <= version.written < len(changed):
                told_of = version.written
                yield version.progressed("embedding")
    if gone := version.gone:
        yield Tombstones(CHUNKS, gone)


class _Version:
    """One version, or the deletion, of a document on its way."""

    def __init__(self, event: DocumentSubmitted | DocumentDeleted, source: Position, known: dict[str, IndexedChunk]) -> None:
        self.known = known  #: chunks of the version before
        self.cut = CutDocument("", [])
        self.written = self.embedded = 0
        self._identity = {"tenant": event.tenant, "document_id": event.document_id}
        self._id = f"{event.document_id}@{source.partition}/{source.offset}"
        self._begun = time.perf_counter()

    @cached_property
    def changed(self) -> list[ChunkIndexed]:
        """What is not in the index as it is to be."""
        return [chunk for chunk in self.cut.chunks if not IndexedChunk.of(chunk).is_as(self.known.get(chunk.chunk_id))]

    @cached_property
    def gone(self) -> tuple[str, ...]:
        """Chunks of the version before whose places this one has not."""
        own = {chunk.chunk_id for chunk in self.cut.chunks}
        return tuple(chunk_id for chunk_id in self.known if chunk_id not in own)

    @property
    def kept(self) -> int:
        return len(self.cut.chunks) - len(self.changed)

    def progressed(self, stage: Literal["cut", "embedding"]) -> IngestionProgressed:
        done = self.kept + self.written
        return IngestionProgressed(id=f"{self._id}:{done}", **self._identity, stage=stage, chunks=len(self.cut.chunks), done=done)

    def indexed(self) -> DocumentIndexed:
        return DocumentIndexed(
            id=self._id,
            **self._identity,
            title=self.cut.title,
            chunks=len(self.cut.chunks),
            kept=self.kept,
            reused=self.written - self.embedded,
            embedded=self.embedded,
            removed=len(self.gone),
            took_ms=round((time.perf_counter() - self._begun) * 1000, 3),
        )

    def removed(self) -> DocumentRemoved:
        return DocumentRemoved(id=self._id, **self._identity, removed=len(self.known))
