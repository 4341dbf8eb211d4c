"""Chunk changes: what records of `chunks` do to an index. Pure: records in, changes out; streams/chunk_index.py applies them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple, Self

import numpy as np
import structlog

from connectors.embedder.base import Vectors
from connectors.embedder.vectors import vector_from_text
from connectors.keyword_index.base import Entry
from schemas.codec import decode
from schemas.errors import UnreadableRecord
from schemas.events import ChunkIndexed
from schemas.record import Record
from streams.chunk_texts import KeptText

log = structlog.get_logger(__name__)


class IndexedChunk(NamedTuple):
    """A chunk as the index keeps it: everything of ChunkIndexed that tells one version from another."""

    document_id: str
    ordinal: int
    title: str
    source: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    held: str | KeptText  #: the text, or where a store keeps it
    tokens: int
    tags: tuple[str, ...]
    written_at: str
    content_hash: str
    embedder: str

    @classmethod
    def of(cls, event: ChunkIndexed) -> Self:
        return cls(*_fields(event))

    @property
    def text(self) -> str:
        return str(self.held)

    def is_as(self, other: IndexedChunk | None) -> bool:
        """Whether nothing is to be written: of the same chunk in another version, only the time differs."""
        return other is not None and other._replace(written_at=self.written_at) == self

    def entry(self, chunk_id: str) -> Entry:
        """As the keyword index takes it."""
        return Entry(chunk_id, self.title, " ".join(self.heading_path), self.text)


_fields = attrgetter(*("text" if name == "held" else name for name in IndexedChunk._fields))


class Change(NamedTuple):
    """What becomes of a chunk. Without `chunk` it goes; without `vector` it is found by keywords only."""

    chunk: IndexedChunk | None
    vector: Vectors | None


class Changes(NamedTuple):
    """Of each tenant, the last change of each chunk."""

    by_tenant: Mapping[str, Mapping[str, Change]]
    unreadable: int
    foreign_vectors: int


def chunk_id_of(tenant: str, document_id: str, ordinal: int) -> str:
    """A chunk's id, which is its record's key. It begins with the tenant: two tenants may name a document alike, and share the topic."""
    return f"{tenant}/{document_id}#{ordinal}"


def document_of(chunk_id: str) -> tuple[str, str]:
    """The tenant and the document of a chunk, by its id."""
    tenant, _, rest = chunk_id.partition("/")
    return tenant, rest.rpartition("#")[0]


def changes_of(records: Iterable[Record], embedder_name: str, dims: int | None = None) -> Changes:
    """The changes of records in order. An unreadable record is passed over and counted: the others must not wait for it.

    So is one whose vector is not of `dims` finite numbers (None: of however many).
    """
    by_tenant: defaultdict[str, dict[str, Change]] = defaultdict(dict)
    unreadable = foreign = 0
    for record in records:
        try:
            tenant, chunk_id, change, is_foreign = _read(record, embedder_name, dims)
        except (UnreadableRecord, ValueError) as error:
            log.warning("chunk record passed over", position=str(record.position), error=str(error))
            unreadable += 1
            continue
        by_tenant[tenant][chunk_id] = change
        foreign += is_foreign
    return Changes(by_tenant, unreadable, foreign)


def _read(record: Record, embedder_name: str, dims: int | None) -> tuple[str, str, Change, bool]:
    if record.value is None:
        chunk_id = (record.key or b"").decode()
        return chunk_id.partition("/")[0], chunk_id, Change(None, None), False
    event = decode(record)
    if not isinstance(event, ChunkIndexed):
        raise UnreadableRecord(f"{record.position} holds {event.type}, which is no chunk.")
    ours = event.embedder == embedder_name
    vector = _vector(record, event.vector, dims) if event.vector and ours else None
    return event.tenant, event.chunk_id, Change(IndexedChunk.of(event), vector), bool(event.vector) and not ours


def _vector(record: Record, text: str, dims: int | None) -> Vectors:
    vector = vector_from_text(text)
    if dims not in (None, len(vector)) or not np.isfinite(vector).all():
        raise UnreadableRecord(f"{record.position} holds a vector of {len(vector)} numbers; {dims or 'as many'} finite ones are due.")
    return vector
