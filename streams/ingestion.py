"""Ingestion: a version of a document to what changes in `chunks`. The step of topic `documents`, called by streams/steps.py.

Only what changed is written, and only a chunk whose content is new is embedded: one that moved takes its vector along. All ids follow
from the document and the record it came in, so a redelivered record writes the same again, or nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from connectors.chunker.base import Chunker
from connectors.embedder.base import Embedder, Vectors
from connectors.embedder.vectors import vector_to_text
from connectors.parser import parse
from schemas.errors import InvalidDocument, UnreadableDocument
from schemas.events import ChunkIndexed, DocumentDeleted, DocumentIndexed, DocumentRemoved, DocumentSubmitted
from schemas.record import Position
from streams.chunk_change import IndexedChunk, chunk_id_of
from streams.chunk_index import ChunkIndex

_LONGEST_ID = 200  # of an event's id, schemas/events.py
_HASH_IN_ID = 16  # hex digits
_ID_EXTRAS = len("/#999999@") + _HASH_IN_ID  # what a chunk's event id has beside the tenant and the document id


class Ingested(NamedTuple):
    """What to write, in this order."""

    chunks: tuple[ChunkIndexed, ...]  #: new, changed or moved
    gone: tuple[str, ...]  #: keys that get a tombstone
    outcome: DocumentIndexed | DocumentRemoved


async def ingest(
    event: DocumentSubmitted | DocumentDeleted, *, chunker: Chunker, embedder: Embedder | None, index: ChunkIndex, source: Position
) -> Ingested:
    """What a version of a document, or its deletion, changes. `source`: the record that it came in.

    Raises UnreadableDocument, InvalidDocument, ModelUnavailable.
    """
    begun = time.perf_counter()
    await index.catch_up()
    known = index.chunks_of(event.tenant, event.document_id)
    outcome_id = f"{event.document_id}@{source.partition}/{source.offset}"
    if isinstance(event, DocumentDeleted):
        return Ingested((), tuple(known), DocumentRemoved(id=outcome_id, tenant=event.tenant, document_id=event.document_id, removed=len(known)))
    title, chunks = await asyncio.to_thread(_cut, event, chunker, embedder.name if embedder else "none")
    changed = [chunk for chunk in chunks if not IndexedChunk.of(chunk).is_as(known.get(chunk.chunk_id))]
    fresh, written = await _with_vectors(changed, embedder, index, known)
    gone = tuple(chunk_id for chunk_id in known if chunk_id not in {chunk.chunk_id for chunk in chunks})
    outcome = DocumentIndexed(
        id=outcome_id,
        tenant=event.tenant,
        document_id=event.document_id,
        title=title,
        chunks=len(chunks),
        kept=len(chunks) - len(changed),
        reused=len(changed) - fresh,
        embedded=fresh,
        removed=len(gone),
        took_ms=round((time.perf_counter() - begun) * 1000, 3),
    )
    return Ingested(tuple(written), gone, outcome)


def text_to_embed(title: str, heading_path: Sequence[str], text: str) -> str:
    """A chunk with what it stands under: a section rarely repeats what the page is about."""
    headings = [heading for heading in heading_path if heading != title]
    return "\n".join([part for part in (title, " > ".join(headings)) if part] + [text])


def _cut(event: DocumentSubmitted, chunker: Chunker, embedder_name: str) -> tuple[str, list[ChunkIndexed]]:
    """The document's title and its chunks, without vectors."""
    if len(event.tenant) + len(event.document_id) + _ID_EXTRAS > _LONGEST_ID:
        most = _LONGEST_ID - _ID_EXTRAS - len(event.tenant)
        raise InvalidDocument(f"The document id has {len(event.document_id)} characters.", remedy=f"Use at most {most}.")
    parsed = parse(_content(event), event.content_type, source=event.source or event.document_id)
    title = event.title or parsed.title or event.source or event.document_id
    chunks = []
    for ordinal, piece in enumerate(chunker.cut(parsed.text)):
        chunk_id = chunk_id_of(event.tenant, event.document_id, ordinal)
        content_hash = _hash(embedder_name, text_to_embed(title, piece.heading_path, piece.text))
        chunk = ChunkIndexed(
            id=f"{chunk_id}@{content_hash[:_HASH_IN_ID]}",
            tenant=event.tenant,
            chunk_id=chunk_id,
            document_id=event.document_id,
            ordinal=ordinal,
            title=title,
            source=event.source,
            tags=event.tags,
            written_at=event.time,
            content_hash=content_hash,
            embedder=embedder_name,
            **piece._asdict(),
        )
        chunks.append(chunk)
    return title, chunks


def _content(event: DocumentSubmitted) -> bytes:
    if event.encoding == "utf-8":
        return event.content.encode()
    try:
        return base64.b64decode(event.content, validate=True)
    except binascii.Error as error:
        raise UnreadableDocument(f"`content` of {event.document_id} is no base64: {error}.", remedy="Encode the file's bytes again.") from error


async def _with_vectors(
    changed: Sequence[ChunkIndexed], embedder: Embedder | None, index: ChunkIndex, known: Mapping[str, IndexedChunk]
) -> tuple[int, list[ChunkIndexed]]:
    """How many have a content that is new, and all of them with their vectors."""
    id_of_content = {chunk.content_hash: chunk_id for chunk_id, chunk in known.items()}
    moved = [chunk for chunk in changed if chunk.content_hash in id_of_content]
    fresh = [chunk for chunk in changed if chunk.content_hash not in id_of_content]
    if embedder is None:
        return len(fresh), list(changed)
    kept = await index.vectors_of(changed[0].tenant, [id_of_content[chunk.content_hash] for chunk in moved]) if moved else None
    if kept is None:  # nothing moved, or the index has no vectors to give
        moved, fresh = [], list(changed)
    made = await embedder.embed([text_to_embed(chunk.title, chunk.heading_path, chunk.text) for chunk in fresh])
    rows = {chunk.chunk_id: row for chunk, row in zip([*moved, *fresh], [*(kept if kept is not None else ()), *made], strict=True)}
    return len(fresh), [_with_vector(chunk, rows[chunk.chunk_id]) for chunk in changed]


def _with_vector(chunk: ChunkIndexed, row: Vectors) -> ChunkIndexed:
    return chunk.model_copy(update={"vector": vector_to_text(row)})


def _hash(embedder_name: str, text: str) -> str:
    return blake2b(f"{embedder_name}\0{text}".encode(), digest_size=16).hexdigest()
