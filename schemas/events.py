"""The events: facts, past tense, frozen, versioned. Their JSON is the value of a Kafka record and the `data:` of an SSE frame.

Ids are deterministic where the fact is (same query + same step = same id), so that a redelivered record is recognised.
A field is never added, dropped or changed in place: the version goes up and `schemas/upcasters.py` learns the step.
"""

from __future__ import annotations

from schemas.answer_events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerEvent,
    AnswerFailed,
    CachedAnswer,
    CacheKey,
    Citation,
    Conversation,
    Cost,
    GenerationStarted,
    Refused,
    Route,
    Screened,
    Tier,
    TokensGenerated,
    Usage,
    answer_id_of,
)
from schemas.control_events import FlagChanged, SessionRead
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
    ChunksRetrieved,
    FeedbackGiven,
    Filters,
    IndexPosition,
    Intent,
    QueryAsked,
    QueryCancelled,
    RetrievedChunk,
    Scores,
    SessionEvent,
    Understanding,
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
    "CacheKey",
    "CachedAnswer",
    "ChunkIndexed",
    "ChunksRetrieved",
    "Citation",
    "Conversation",
    "Cost",
    "DocumentDeleted",
    "DocumentEvent",
    "DocumentFailed",
    "DocumentIndexed",
    "DocumentRemoved",
    "DocumentSubmitted",
    "Event",
    "FeedbackGiven",
    "Filters",
    "FlagChanged",
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
    "Refused",
    "RetrievedChunk",
    "Route",
    "Scores",
    "Screened",
    "SessionEvent",
    "SessionRead",
    "Tenant",
    "Tier",
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
        FlagChanged,
        SessionRead,
        RecordDeadLettered,
    )
}
TERMINAL = frozenset({"AnswerCompleted", "AnswerFailed", "AnswerCancelled"})
