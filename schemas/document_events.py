"""Events of documents: their versions, what was made of them, and the chunks that the indexes are built from."""

from __future__ import annotations

from typing import Literal

from schemas.event import Event, Id, Value


class DocumentEvent(Event):
    """An event of one document. Two tenants may call theirs the same, so the record's key is tenant/document id."""

    SUBJECT = "document_id"

    document_id: Id  #: the document

    @property
    def subject(self) -> str:
        return f"{self.tenant}/{self.document_id}"


class Correction(Value):
    """Where a document comes from that is a correction of an answer."""

    session_id: Id
    query_id: Id
    answer_id: Id
    rater: str  #: who corrected
    feedback: tuple[Id, ...]  #: ids of the FeedbackGiven events
    proposal_id: Id
    reviewed_by: str  #: who approved it


class DocumentSubmitted(DocumentEvent):
    """A version of a document. Topic `documents`: the source of truth for the index."""

    type: Literal["DocumentSubmitted"] = "DocumentSubmitted"
    version: Literal[1] = 1
    title: str | None = None  #: null: the document's own first heading, else its source
    source: str = ""
    content_type: str = "text/markdown"
    encoding: Literal["utf-8", "base64"] = "utf-8"  #: how `content` holds the document's bytes
    content: str
    tags: tuple[str, ...] = ()
    submitted_by: str = "anonymous"
    corrects: Correction | None = None  #: set: it was approved in the review of corrections


class DocumentDeleted(DocumentEvent):
    """The document is gone from now on. Topic `documents`."""

    type: Literal["DocumentDeleted"] = "DocumentDeleted"
    version: Literal[1] = 1
    deleted_by: str = "anonymous"


class ChunkIndexed(Event):
    """A chunk is to be found from now on. Topic `chunks`, compacted; a null record under its key takes it away."""

    SUBJECT = "chunk_id"
    CORRELATION = "document_id"

    type: Literal["ChunkIndexed"] = "ChunkIndexed"
    version: Literal[1] = 1
    chunk_id: Id
    document_id: Id
    ordinal: int  #: place among the document's chunks, from 0
    title: str
    source: str
    heading_path: tuple[str, ...] = ()
    start: int
    end: int
    text: str
    tokens: int
    tags: tuple[str, ...] = ()
    written_at: str  #: when the first version of the document that has it so was written: RFC 3339, UTC
    content_hash: str  #: BLAKE2b-128 of what is embedded, hex
    embedder: str  #: model that made the vector; "none" without one
    vector: str | None = None  #: base64 of little-endian float16


class IngestionProgressed(DocumentEvent):
    """A version of a large document is being taken in. Topic `ingestions`; what it became takes its place there."""

    type: Literal["IngestionProgressed"] = "IngestionProgressed"
    version: Literal[1] = 1
    stage: Literal["cut", "embedding"]
    chunks: int  #: of the version
    done: int  #: of them


class DocumentIndexed(DocumentEvent):
    """A version of a document was cut, embedded and written to `chunks`. Topic `ingestions`."""

    type: Literal["DocumentIndexed"] = "DocumentIndexed"
    version: Literal[1] = 1
    title: str
    chunks: int  #: kept + reused + embedded
    kept: int  #: as they were: nothing was written
    reused: int  #: written anew with a vector that was known: of a chunk that moved, or of the same text elsewhere
    embedded: int  #: chunks whose content was new
    removed: int  #: chunks of the version before that are gone
    took_ms: float


class DocumentRemoved(DocumentEvent):
    """A deleted document's chunks are gone. Topic `ingestions`."""

    type: Literal["DocumentRemoved"] = "DocumentRemoved"
    version: Literal[1] = 1
    removed: int


class DocumentFailed(DocumentEvent):
    """A version of a document could not be indexed. Topic `ingestions`; the record itself goes to the dead letters."""

    type: Literal["DocumentFailed"] = "DocumentFailed"
    version: Literal[1] = 1
    error: str
    detail: str
    remedy: str
