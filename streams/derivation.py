"""Derivation: the chunks that `documents` make, with today's chunkers and embedder. Called by streams/rebuild_index.py.

Of each document the last version below the given offsets is cut. A chunk that `chunks` knows by its content takes its vector from there, so
only what no embedder of this name has seen is embedded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from connectors.chunker.by_content_type import ChunkerByContentType
from connectors.embedder.base import Embedder, Vectors
from connectors.embedder.vectors import vector_from_text
from connectors.journal.base import Journal
from schemas.codec import decode
from schemas.errors import InvalidDocument, UnreadableRecord
from schemas.events import ChunkIndexed, DocumentDeleted, DocumentSubmitted
from schemas.record import Record
from schemas.topics import CHUNKS, DOCUMENTS
from streams.chunk_fold import ChunkFold
from streams.document_chunks import cut_document, read_document, text_to_embed
from streams.replay import Advance, history

_EMBEDDED = 64  # texts in one go

log = structlog.get_logger(__name__)


class Cutter(NamedTuple):
    """What makes chunks of documents."""

    chunker: ChunkerByContentType
    embedder: Embedder | None
    fingerprint: str  #: of the chunkers' settings: with the same one the same documents make the same chunks

    @property
    def embedder_name(self) -> str:
        return self.embedder.name if self.embedder else "none"


class Known(NamedTuple):
    """What `chunks` tells of chunks that are cut again."""

    vectors: dict[str, str]  #: by content hash
    written_at: dict[tuple[str, str], str]  #: by chunk id and content hash

    def note(self, event: ChunkIndexed, embedder_name: str) -> None:
        self.written_at[event.chunk_id, event.content_hash] = event.written_at
        if event.vector and event.embedder == embedder_name:
            self.vectors[event.content_hash] = event.vector


async def derive(
    fold: ChunkFold, chunks: Mapping[int, int], documents: Mapping[int, int], journal: Journal, cutter: Cutter, advance: Advance
) -> tuple[int, int]:
    """Put the chunks into the fold. Returns how many documents were cut, and how many could not be read. Raises LogUnavailable, ModelUnavailable."""
    known = Known({}, {})
    async for records in history(journal, CHUNKS, chunks, advance=advance):
        for event in _events(records):
            if isinstance(event, ChunkIndexed):
                known.note(event, cutter.embedder_name)
    versions = await _last_versions(journal, documents, advance)
    waiting: list[ChunkIndexed] = []
    failed = 0
    for version in versions:
        try:
            waiting += await _cut(version, cutter, known)
        except InvalidDocument as error:
            log.warning("document left out", document=version.document_id, error=str(error))
            failed += 1
        if len(waiting) >= _EMBEDDED:
            await _settle(waiting, fold, known, cutter)
            waiting = []
    await _settle(waiting, fold, known, cutter)
    return len(versions) - failed, failed


async def _last_versions(journal: Journal, documents: Mapping[int, int], advance: Advance) -> list[DocumentSubmitted]:
    """In order of their keys. Of what cannot be read the version before it counts, as it does for the workers."""
    last: dict[tuple[str, str], DocumentSubmitted] = {}
    async for records in history(journal, DOCUMENTS, documents, advance=advance):
        for event in _events(records):
            if isinstance(event, DocumentSubmitted):
                last[event.tenant, event.document_id] = event
            elif isinstance(event, DocumentDeleted):
                last.pop((event.tenant, event.document_id), None)
    return [last[key] for key in sorted(last)]


def _events(records: Iterable[Record]) -> Iterator[object]:
    for record in records:
        if record.value is not None:
            try:
                event = decode(record)
            except UnreadableRecord:
                log.warning("record passed over", position=str(record.position))
            else:
                yield event


async def _cut(version: DocumentSubmitted, cutter: Cutter, known: Known) -> list[ChunkIndexed]:
    """A chunk that was there as it is keeps the time that it was written at."""
    cut = await cut_document(version, await read_document(version), cutter.chunker, cutter.embedder_name)
    times = [known.written_at.get((chunk.chunk_id, chunk.content_hash), chunk.written_at) for chunk in cut.chunks]
    return [chunk.model_copy(update={"written_at": time}) for chunk, time in zip(cut.chunks, times, strict=True)]


async def _settle(waiting: Sequence[ChunkIndexed], fold: ChunkFold, known: Known, cutter: Cutter) -> None:
    """Into the fold, with vectors."""
    if cutter.embedder is None:
        for chunk in waiting:
            fold.put(chunk, None)
        return
    new = [chunk for chunk in waiting if chunk.content_hash not in known.vectors]
    texts = {chunk.content_hash: text_to_embed(chunk.title, chunk.heading_path, chunk.text) for chunk in new}
    rows = dict(zip(texts, await cutter.embedder.embed(list(texts.values())), strict=True)) if texts else {}
    for chunk in waiting:
        fold.put(chunk, _vector(chunk.content_hash, rows, known))


def _vector(content_hash: str, rows: Mapping[str, Vectors], known: Known) -> Vectors:
    return rows[content_hash] if content_hash in rows else vector_from_text(known.vectors[content_hash])
