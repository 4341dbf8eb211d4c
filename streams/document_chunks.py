"""Document chunks: a version of a document to its chunks, without vectors. Called by streams/ingestion.py.

All ids follow from the document and its text, so the same version cut again gives the same chunks.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from connectors.chunker.base import Piece
from connectors.chunker.by_content_type import ChunkerByContentType
from connectors.parser import parse
from connectors.parser.base import ParsedDocument
from schemas.errors import InvalidDocument, UnreadableDocument
from schemas.events import ChunkIndexed, DocumentSubmitted
from streams.chunk_change import chunk_id_of

_LONGEST_ID = 200  # of an event's id, schemas/event.py
_HASH_IN_ID = 16  # hex digits
_ID_EXTRAS = len("/#999999@") + _HASH_IN_ID  # what a chunk's event id has beside the tenant and the document id


class CutDocument(NamedTuple):
    """A version as it is to be found."""

    title: str
    chunks: list[ChunkIndexed]


async def read_document(event: DocumentSubmitted) -> ParsedDocument:
    """The version's title, if its text has one, and its text. Raises UnreadableDocument, InvalidDocument."""
    return await asyncio.to_thread(_parsed, event)


async def cut_document(event: DocumentSubmitted, parsed: ParsedDocument, chunker: ChunkerByContentType, embedder_name: str) -> CutDocument:
    """The version's chunks in order. Raises ModelUnavailable where the chunker asks a model."""
    title = event.title or parsed.title or event.source or event.document_id
    pieces = await chunker.cut(parsed.text, event.content_type)
    return CutDocument(title, await asyncio.to_thread(_chunks, event, title, pieces, embedder_name))


def text_to_embed(title: str, heading_path: Sequence[str], text: str) -> str:
    """A chunk with what it stands under: a section rarely repeats what the page is about."""
    headings = [heading for heading in heading_path if heading != title]
    return "\n".join([part for part in (title, " > ".join(headings)) if part] + [text])


def _parsed(event: DocumentSubmitted) -> ParsedDocument:
    if len(event.tenant) + len(event.document_id) + _ID_EXTRAS > _LONGEST_ID:
        most = _LONGEST_ID - _ID_EXTRAS - len(event.tenant)
        raise InvalidDocument(f"The document id has {len(event.document_id)} characters.", remedy=f"Use at most {most}.")
    return parse(_content(event), event.content_type, source=event.source or event.document_id)


def _content(event: DocumentSubmitted) -> bytes:
    if event.encoding == "utf-8":
        return event.content.encode()
    try:
        return base64.b64decode(event.content, validate=True)
    except binascii.Error as error:
        raise UnreadableDocument(f"`content` of {event.document_id} is no base64: {error}.", remedy="Encode the file's bytes again.") from error


def _chunks(event: DocumentSubmitted, title: str, pieces: Sequence[Piece], embedder_name: str) -> list[ChunkIndexed]:
    chunks = []
    for ordinal, piece in enumerate(pieces):
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
    return chunks


def _hash(embedder_name: str, text: str) -> str:
    return blake2b(f"{embedder_name}\0{text}".encode(), digest_size=16).hexdigest()
