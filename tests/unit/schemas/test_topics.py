"""The table of topics: complete, and such that Kafka takes it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import EVENTS, TENANT
from schemas.settings import Settings
from schemas.topics import (
    ANSWERS,
    CHUNKS,
    DEAD_LETTERS,
    DOCUMENTS,
    FEEDBACK,
    GENERATIONS,
    JOURNAL,
    QUERIES,
    RETRIEVALS,
    SESSION_EVENTS,
    SESSION_TOPIC_PREFIX,
    SESSIONS,
    TOPICS,
    Topic,
    max_record_bytes,
    partitions,
    session_topic,
    topic_config,
)

DEFAULTS = Settings.model_construct()
BY_NAME = pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])
_LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")  # https://kafka.apache.org/documentation/#basic_ops_add_topic
_SESSIONS = st.tuples(st.from_regex(TENANT, fullmatch=True), st.from_regex(r"t[A-Za-z0-9_-]{1,100}", fullmatch=True))


def test_every_event_has_a_topic() -> None:
    """No event is without a place, and no topic holds what is no event."""
    placed = {event for topic in TOPICS for event in topic.events}

    assert placed == set(EVENTS.values())
    assert set(JOURNAL) | set(SESSION_EVENTS) == set(EVENTS.values())


def test_an_event_has_one_topic_beside_the_session() -> None:
    """The journal need not choose."""
    for event, topic in JOURNAL.items():
        others = [other.name for other in TOPICS if event in other.events and other not in (SESSIONS, topic)]

        assert others == []


def test_names_differ_and_none_looks_like_a_session() -> None:
    """Deleting a tenant's sessions by their prefix spares all else."""
    names = [topic.name for topic in TOPICS]

    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith(SESSION_TOPIC_PREFIX)] == []


@BY_NAME
def test_a_name_is_legal_for_kafka(topic: Topic) -> None:
    """Letters, digits, hyphens; a mix of dots and underscores would collide in metric names."""
    assert _LEGAL.fullmatch(topic.name)
    assert not set("._") & set(topic.name)


@given(_SESSIONS)
def test_a_session_topic_is_legal_for_kafka(session: tuple[str, str]) -> None:
    """The longest tenant and session id fit."""
    assert _LEGAL.fullmatch(session_topic(*session))


@given(_SESSIONS, _SESSIONS)
def test_two_sessions_never_share_a_topic(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Nor names that Kafka takes for the same in its metrics, where `.` and `_` are one."""
    same = session_topic(*one).replace("_", ".") == session_topic(*other).replace("_", ".")

    assert not same or one[0] == other[0]
    assert (session_topic(*one) == session_topic(*other)) == (one == other)


@BY_NAME
def test_a_topic_is_configured_as_the_table_says(topic: Topic) -> None:
    """By Kafka's names, values as text."""
    config = topic_config(topic, DEFAULTS)
    config.pop("min.compaction.lag.ms", None)
    config.pop("segment.ms", None)

    assert config == {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(max_record_bytes(topic, DEFAULTS)),
        "min.insync.replicas": "1",
    }


def test_the_truth_and_the_audit_are_kept_for_ever() -> None:
    """Documents, answers and feedback are never expired; of chunks the last record of each key stays."""
    kept = {topic.name: (topic.retention_ms, topic.cleanup) for topic in (DOCUMENTS, ANSWERS, FEEDBACK, CHUNKS)}

    assert kept == {"documents": (-1, "delete"), "answers": (-1, "delete"), "feedback": (-1, "delete"), "chunks": (-1, "compact")}


def test_no_version_of_a_chunk_goes_before_the_questions_that_it_answered() -> None:
    """What the index was at a question is read back from `chunks` for as long as `retrievals` are kept. No other topic waits."""
    lags = {topic.name: topic_config(topic, DEFAULTS).get("min.compaction.lag.ms") for topic in TOPICS}

    assert {name: lag for name, lag in lags.items() if lag} == {"chunks": str(RETRIEVALS.retention_ms)}


def test_generations_lie_in_one_partition_for_ever() -> None:
    """Which one serves is what the last record says."""
    assert (partitions(GENERATIONS, DEFAULTS), GENERATIONS.retention_ms, GENERATIONS.cleanup) == (1, -1, "delete")


def test_the_rest_is_kept_for_30_days() -> None:
    """Long enough to redrive and to look at."""
    assert {topic.retention_ms for topic in (QUERIES, RETRIEVALS, DEAD_LETTERS)} == {30 * 24 * 3_600_000}


def test_settings_reach_the_topics() -> None:
    """Lanes, partitions, retention of sessions, replicas in sync, largest document."""
    settings = Settings.model_construct(session_lanes=3, partitions=5, session_retention_hours=2, kafka_min_insync=2, max_document_bytes=1_000)

    assert (partitions(SESSIONS, settings), partitions(QUERIES, settings)) == (3, 5)
    assert topic_config(SESSIONS, settings)["retention.ms"] == "7200000"
    assert topic_config(QUERIES, settings)["min.insync.replicas"] == "2"
    assert max_record_bytes(DOCUMENTS, settings) == 1_000 * 3 // 2 + 65_536


def test_the_largest_document_fits_in_base64_and_as_a_dead_letter() -> None:
    """4 bytes for 3, and again 4 for 3 in the dead letters, with room for the other fields."""
    document = DEFAULTS.max_document_bytes * 4 / 3 + 10_000

    assert max_record_bytes(DOCUMENTS, DEFAULTS) > document
    assert max_record_bytes(DEAD_LETTERS, DEFAULTS) > max_record_bytes(DOCUMENTS, DEFAULTS) * 4 / 3
