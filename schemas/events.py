"""The events: facts, past tense, frozen, versioned. Their JSON is the value of a Kafka record and the `data:` of an SSE frame.

Ids are deterministic where the fact is (same query + same step = same id), so that a redelivered record is recognised.
A field is never added, dropped or changed in place: the version goes up and `schemas/upcasters.py` learns the step.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/#@-]*$")]
TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
Tenant = Annotated[str, Field(pattern=rf"^{TENANT.pattern}$")]


def now() -> str:
    """The time as RFC 3339 in UTC with milliseconds: what `time` and `ce_time` hold."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Value(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Value):
    """What every event holds. `subject` is the noun that the fact is about: a session, a document, a chunk."""

    SUBJECT: ClassVar[str]  #: name of the field that is the record's key and `ce_subject`
    CORRELATION: ClassVar[str | None] = None  #: name of the field that is the `correlation` header

    type: str  #: name of the event
    version: int  #: of the event's fields; an older one is upcast when it is read
    id: Id  #: the same fact has the same id, however often it is written
    tenant: Tenant  #: whose it is
    time: str = Field(default_factory=now)  #: when it happened: RFC 3339, UTC

    @property
    def subject(self) -> str:
        return str(getattr(self, self.SUBJECT))

    @property
    def correlation(self) -> str:
        return str(getattr(self, self.CORRELATION)) if self.CORRELATION else self.subject


class SessionEvent(Event):
    """An event of one session. Correlation is the query."""

    SUBJECT = "session_id"
    CORRELATION = "query_id"

    session_id: Id  #: the session, and the record's key
    query_id: Id  #: the question that it belongs to


# ---------------------------------------------------------------- questions


class QueryAsked(SessionEvent):
    """Someone asked a question. Topic `queries`, then the session."""

    type: Literal["QueryAsked"] = "QueryAsked"
    version: Literal[1] = 1
    text: str = Field(min_length=1)  #: the question
    asked_by: str = "anonymous"  #: subject of the principal
    idempotency_key: str | None = None  #: set: the same question may have been written before


class QueryCancelled(SessionEvent):
    """Someone asked for the answer to stop. Topic `queries`, then the session."""

    type: Literal["QueryCancelled"] = "QueryCancelled"
    version: Literal[1] = 1
    cancelled_by: str = "anonymous"


class Scores(Value):
    """Why a chunk was taken. A part that did not find the chunk is null."""

    vector: float | None = None  #: cosine similarity, -1..1
    keyword: float | None = None  #: BM25, 0..
    fused: float  #: reciprocal rank fusion, 0..


class RetrievedChunk(Value):
    """A chunk as it was found for one question."""

    rank: int  #: 1 is best; the number in a citation
    chunk_id: Id
    document_id: Id
    title: str
    source: str  #: path or URL that the document came from
    heading_path: tuple[str, ...] = ()
    start: int  #: first character in the document's text
    end: int  #: one past the last character
    text: str
    scores: Scores


class IndexPosition(Value):
    """What the index knew: the next offset of `chunks` by partition, that it had not applied yet."""

    index: str  #: identity: embedder, vector and keyword backend
    generation: int = 0
    offsets: dict[str, int] = Field(default_factory=dict)


class ChunksRetrieved(SessionEvent):
    """Chunks were found for a question. Topic `retrievals`, and the session."""

    type: Literal["ChunksRetrieved"] = "ChunksRetrieved"
    version: Literal[1] = 1
    question: str
    chunks: tuple[RetrievedChunk, ...]
    index: IndexPosition
    degraded: tuple[str, ...] = ()  #: parts that did not answer: "vector", "keyword"
    session_offset: int  #: where the session's QueryAsked lies: a reader of this answer need not look further back
    took_ms: float


# ------------------------------------------------------------------ answers


def answer_id_of(query_id: str) -> str:
    """The id of a question's answer."""
    return f"a-{query_id}"


class AnswerEvent(SessionEvent):
    """An event of one answer. Of two attempts the higher wins; `attempt` is the worker's consumer generation."""

    answer_id: Id  #: one answer to a question
    attempt: int = Field(ge=0)  #: of two attempts the higher wins


class GenerationStarted(AnswerEvent):
    """An attempt began. Tokens of older attempts at `resumes_at` and after are void."""

    type: Literal["GenerationStarted"] = "GenerationStarted"
    version: Literal[1] = 1
    resumes_at: int = Field(ge=0)  #: index of the first TokensGenerated of this attempt
    model: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class TokensGenerated(AnswerEvent):
    """A piece of the answer's text: one to three tokens, more under load. Indexes of an answer are contiguous from 0."""

    type: Literal["TokensGenerated"] = "TokensGenerated"
    version: Literal[1] = 1
    index: int = Field(ge=0)
    text: str


class Citation(Value):
    """A number in the answer's text, and the chunk that it stands for."""

    number: int
    chunk_id: Id
    document_id: Id
    title: str
    source: str
    heading_path: tuple[str, ...] = ()


class Usage(Value):
    """Tokens read and written, as the model counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class AnswerCompleted(AnswerEvent):
    """The answer is whole. The session, and topic `answers` (the audit record)."""

    type: Literal["AnswerCompleted"] = "AnswerCompleted"
    version: Literal[1] = 1
    question: str
    text: str
    answered: bool  #: false: the documents do not hold the answer, and the text says so
    citations: tuple[Citation, ...] = ()
    model: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    prompt: str | None = None  #: what the model was given; null for a model that is given none
    usage: Usage = Usage()
    finish_reason: Literal["stop", "length"] = "stop"
    tokens_end: int  #: one past the index of the last TokensGenerated
    took_ms: float


class AnswerFailed(AnswerEvent):
    """The answer could not be made, or not be finished."""

    type: Literal["AnswerFailed"] = "AnswerFailed"
    version: Literal[1] = 1
    error: str  #: slug of the error class
    detail: str
    remedy: str
    retryable: bool


class AnswerCancelled(AnswerEvent):
    """The answer was stopped by a QueryCancelled."""

    type: Literal["AnswerCancelled"] = "AnswerCancelled"
    version: Literal[1] = 1
    cancelled_by: str = "anonymous"
    tokens_end: int


# ----------------------------------------------------------------- feedback


class FeedbackGiven(SessionEvent):
    """Someone judged an answer. Topic `feedback`, then the session."""

    type: Literal["FeedbackGiven"] = "FeedbackGiven"
    version: Literal[1] = 1
    feedback_id: Id
    answer_id: Id
    given_by: str = "anonymous"
    thumb: Literal["up", "down"] | None = None
    stars: int | None = Field(None, ge=1, le=5)
    correction: str | None = Field(None, min_length=1)  #: the answer as it should have been
    comment: str | None = Field(None, min_length=1)
    tags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.thumb is None and self.stars is None and not (self.correction or self.comment or self.tags):
            raise ValueError("give at least one of thumb, stars, correction, comment, tags")
        return self


# ---------------------------------------------------------------- documents


class DocumentEvent(Event):
    """An event of one document. Two tenants may call theirs the same, so the record's key is tenant/document id."""

    SUBJECT = "document_id"

    document_id: Id  #: the document

    @property
    def subject(self) -> str:
        return f"{self.tenant}/{self.document_id}"


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
    content_hash: str  #: BLAKE2b-128 of what is embedded, hex
    embedder: str  #: model that made the vector; "none" without one
    vector: str | None = None  #: base64 of little-endian float16


class DocumentIndexed(DocumentEvent):
    """A version of a document was cut, embedded and written to `chunks`. Topic `ingestions`."""

    type: Literal["DocumentIndexed"] = "DocumentIndexed"
    version: Literal[1] = 1
    title: str
    chunks: int
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


# ------------------------------------------------------------- dead letters


class RecordDeadLettered(Event):
    """A record that no step could finish: as it came, the error, and where it stood. Topic `dead-letters`."""

    SUBJECT = "original_key"

    type: Literal["RecordDeadLettered"] = "RecordDeadLettered"
    version: Literal[1] = 1
    topic: str
    partition: int
    offset: int
    original_key: str
    original_value: str | None  #: base64
    original_headers: tuple[tuple[str, str], ...] = ()  #: name, base64
    step: str
    error: str
    detail: str
    remedy: str
    tries: int


EVENTS: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        QueryAsked,
        QueryCancelled,
        ChunksRetrieved,
        GenerationStarted,
        TokensGenerated,
        AnswerCompleted,
        AnswerFailed,
        AnswerCancelled,
        FeedbackGiven,
        DocumentSubmitted,
        DocumentDeleted,
        ChunkIndexed,
        DocumentIndexed,
        DocumentRemoved,
        DocumentFailed,
        RecordDeadLettered,
    )
}
TERMINAL = frozenset({"AnswerCompleted", "AnswerFailed", "AnswerCancelled"})
