"""The one table of topics: name, key, partitions, retention, compaction, event types.

`infra/topics.py` creates and diffs the cluster's topics from it; the journal finds an event's topic in it; docs/asyncapi.json is
generated from it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    ChunkIndexed,
    ChunksRetrieved,
    CorrectionReviewed,
    DocumentDeleted,
    DocumentFailed,
    DocumentIndexed,
    DocumentRemoved,
    DocumentSubmitted,
    Event,
    FeedbackGiven,
    FeedbackRetracted,
    FlagChanged,
    GenerationStarted,
    IndexGenerationBuilt,
    IndexGenerationRefused,
    IndexGenerationServed,
    IndexGenerationSwapped,
    IngestionProgressed,
    InsightsCounted,
    PreferencePairFormed,
    QueryAsked,
    QueryCancelled,
    RecordDeadLettered,
    RegenerationAsked,
    SessionRead,
    TokensGenerated,
)
from schemas.settings import Settings

DAYS = 24 * 3_600_000
FOREVER = -1
_COMPACTED_MS = 3_600_000
HISTORY_MS = 30 * DAYS  #: `chunks` keeps every version for so long; older states are derived from `documents`


class Topic(NamedTuple):
    """A topic. `retention_ms` -1: kept for ever."""

    name: str
    key: str
    events: tuple[type[Event], ...]
    what: str
    retention_ms: int = 30 * DAYS
    cleanup: Literal["delete", "compact", "compact,delete"] = "delete"


SESSION_EVENTS: tuple[type[Event], ...] = (
    QueryAsked,
    QueryCancelled,
    ChunksRetrieved,
    GenerationStarted,
    TokensGenerated,
    AnswerCompleted,
    AnswerFailed,
    AnswerCancelled,
    FeedbackGiven,
    FeedbackRetracted,
    RegenerationAsked,
)

DOCUMENTS = Topic(
    "documents",
    "tenant/document id",
    (DocumentSubmitted, DocumentDeleted),
    "All versions of all documents: the source of truth for the index.",
    FOREVER,
)
CHUNKS = Topic(
    "chunks",
    "chunk id",
    (ChunkIndexed,),
    "What the indexes are built from; a null record takes a chunk away. Derived from `documents`.",
    FOREVER,
    "compact",
)
INGESTIONS = Topic(
    "ingestions",
    "tenant/document id",
    (IngestionProgressed, DocumentIndexed, DocumentRemoved, DocumentFailed),
    "What became of each document's last version.",
    FOREVER,
    "compact",
)
GENERATIONS = Topic(
    "generations",
    "index",
    (IndexGenerationBuilt, IndexGenerationSwapped, IndexGenerationServed, IndexGenerationRefused),
    "Builds of the index from the log, and which of them serves.",
    FOREVER,
)
QUERIES = Topic("queries", "session id", (QueryAsked, QueryCancelled, RegenerationAsked), "Questions, from the API or any producer.")
RETRIEVALS = Topic("retrievals", "session id", (ChunksRetrieved,), "What was found for each question.")
SESSIONS = Topic("sessions", "session id", SESSION_EVENTS, "Lanes: all of one session in order, many sessions to a partition.")
ANSWERS = Topic(
    "answers",
    "session id",
    (AnswerCompleted, AnswerFailed, AnswerCancelled),
    "The audit record of every answer, and of what became of those that there are none of.",
    FOREVER,
)
FEEDBACK = Topic("feedback", "session id", (FeedbackGiven, FeedbackRetracted), "What people thought of answers.", FOREVER)
PREFERENCES = Topic("preferences", "pair id", (PreferencePairFormed,), "Pairs of answers of which one is preferred.", FOREVER, "compact")
INSIGHTS = Topic(
    "insights",
    "tenant/window/start/by/value",
    (InsightsCounted,),
    "Figures over answers by windows of time, as far as they are kept up; a null record takes a row back. Derived from `answers` and `feedback`.",
    cleanup="compact,delete",
)
REVIEWS = Topic("reviews", "pair id", (CorrectionReviewed,), "Which corrections become documents, and which do not.", FOREVER)
FLAGS = Topic("flags", "flag", (FlagChanged,), "Each change of a feature flag.", FOREVER)
READERS = Topic("readers", "session id", (SessionRead,), "Which sessions have readers, where ROXY_UNREAD_CANCEL_MIN asks for it.", DAYS)
DEAD_LETTERS = Topic("dead-letters", "original key", (RecordDeadLettered,), "Records that no step could finish.")

TOPICS: tuple[Topic, ...] = (
    DOCUMENTS,
    CHUNKS,
    INGESTIONS,
    GENERATIONS,
    QUERIES,
    RETRIEVALS,
    SESSIONS,
    ANSWERS,
    FEEDBACK,
    PREFERENCES,
    INSIGHTS,
    REVIEWS,
    FLAGS,
    READERS,
    DEAD_LETTERS,
)

#: Where the journal appends an event. A session's own records (SESSION_EVENTS) go through the session log instead.
JOURNAL: dict[type[Event], Topic] = {event: topic for topic in TOPICS if topic is not SESSIONS for event in topic.events}

SESSION_TOPIC_PREFIX = "session."


def session_topic(tenant: str, session_id: str) -> str:
    """Name of the topic of a session that has one of its own."""
    return f"{SESSION_TOPIC_PREFIX}{tenant}.{session_id}"


def partitions(topic: Topic, settings: Settings) -> int:
    """How many partitions a topic has."""
    if topic in (GENERATIONS, FLAGS):
        return 1  # all of it in order: which generation serves, and how a flag stands, is the last record's to say
    return settings.session_lanes if topic is SESSIONS else settings.partitions


def topic_config(topic: Topic, settings: Settings) -> dict[str, str]:
    """The topic's configuration, by Kafka's names (https://kafka.apache.org/documentation/#topicconfigs)."""
    retention = settings.session_retention_hours * 3_600_000 if topic is SESSIONS else topic.retention_ms
    return {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention),
        "max.message.bytes": str(max_record_bytes(topic, settings)),
        "min.insync.replicas": str(settings.kafka_min_insync),
        # What the index was at a time is read from `chunks`, so no version goes before the questions that it answered (`retrievals`) do.
        **({"min.compaction.lag.ms": str(HISTORY_MS)} if topic is CHUNKS else {}),
        # A row of today is written again every few seconds, and only closed segments are compacted: by default, those of a week.
        **({"segment.ms": str(_COMPACTED_MS)} if topic is INSIGHTS else {}),
    }


def max_record_bytes(topic: Topic, settings: Settings) -> int:
    """Largest record: for documents the largest document in base64 with room for its other fields; the dead letters hold any, in base64 again."""
    document = settings.max_document_bytes * 3 // 2 + 65_536
    return {DOCUMENTS.name: document, DEAD_LETTERS.name: document * 3 // 2}.get(topic.name, 1_048_576)
