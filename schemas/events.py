"""The events: facts, past tense, frozen, versioned. Their JSON is the value of a Kafka record and the `data:` of an SSE frame.

Ids are deterministic where the fact is (same query + same step = same id), so that a redelivered record is recognised.
A field is never added, dropped or changed in place: the version goes up and `schemas/upcasters.py` learns the step.
"""

from __future__ import annotations

from schemas.dead_letter_events import RecordDeadLettered
from schemas.document_events import (
    ChunkIndexed,
    DocumentDeleted,
    DocumentEvent,
    DocumentFailed,
    DocumentIndexed,
    DocumentRemoved,
    DocumentSubmitted,
    IngestionProgressed,
)
from schemas.event import TENANT, Event, Id, Tenant, Value, now
from schemas.index_events import IndexEvent, IndexGenerationBuilt, IndexGenerationRefused, IndexGenerationServed, IndexGenerationSwapped
from schemas.session_events import (
    NO_FILTERS,
    SHORTCUTS,
    AnswerCancelled,
    AnswerCompleted,
    AnswerEvent,
    AnswerFailed,
    ChunksRetrieved,
    Citation,
    FeedbackGiven,
    Filters,
    GenerationStarted,
    IndexPosition,
    Intent,
    QueryAsked,
    QueryCancelled,
    RetrievedChunk,
    Scores,
    SessionEvent,
    TokensGenerated,
    Understanding,
    Usage,
    answer_id_of,
)

__all__ = [
    "EVENTS",
    "NO_FILTERS",
    "SHORTCUTS",
    "TENANT",
    "TERMINAL",
    "AnswerCancelled",
    "AnswerCompleted",
    "AnswerEvent",
    "AnswerFailed",
    "ChunkIndexed",
    "ChunksRetrieved",
    "Citation",
    "DocumentDeleted",
    "DocumentEvent",
    "DocumentFailed",
    "DocumentIndexed",
    "DocumentRemoved",
    "DocumentSubmitted",
    "Event",
    "FeedbackGiven",
    "Filters",
    "GenerationStarted",
    "Id",
    "IndexEvent",
    "IndexGenerationBuilt",
    "IndexGenerationRefused",
    "IndexGenerationServed",
    "IndexGenerationSwapped",
    "IndexPosition",
    "IngestionProgressed",
    "Intent",
    "QueryAsked",
    "QueryCancelled",
    "RecordDeadLettered",
    "RetrievedChunk",
    "Scores",
    "SessionEvent",
    "Tenant",
    "TokensGenerated",
    "Understanding",
    "Usage",
    "Value",
    "answer_id_of",
    "now",
]

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
        IngestionProgressed,
        DocumentIndexed,
        DocumentRemoved,
        DocumentFailed,
        IndexGenerationBuilt,
        IndexGenerationSwapped,
        IndexGenerationServed,
        IndexGenerationRefused,
        RecordDeadLettered,
    )
}
TERMINAL = frozenset({"AnswerCompleted", "AnswerFailed", "AnswerCancelled"})
