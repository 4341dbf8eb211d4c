"""The AsyncAPI 3.0.0 document of all topics (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

Used by `schemas/contracts.py`. It tells any producer or consumer, in any language, which topics there are, what their records and
headers look like and who writes and reads them. Partitions, retention and size are those of the default settings.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from schemas.events import EVENTS, Event
from schemas.json_schemas import schema_file, sentence_of, version_of
from schemas.record_headers import headers_schema, tombstone_headers_schema
from schemas.settings import Settings
from schemas.topics import (
    ANSWERS,
    CHUNKS,
    DEAD_LETTERS,
    DOCUMENTS,
    FEEDBACK,
    FLAGS,
    GENERATIONS,
    INGESTIONS,
    INSIGHTS,
    PREFERENCES,
    QUERIES,
    READERS,
    RETRIEVALS,
    REVIEWS,
    SESSIONS,
    TOPICS,
    Topic,
    partitions,
    session_topic,
    topic_config,
)

VERSION = "0.1.0"  #: the release that the contracts belong to
_KAFKA_BINDING = "0.5.0"
_TOMBSTONE = "Tombstone"

#: A session that has a topic of its own. Not in TOPICS: there is one per session, made with it.
OWN_TOPIC = SESSIONS._replace(name=session_topic("{tenant}", "{session_id}"), what="All of one session in order, in a topic of its own.")
CHANNELS: tuple[Topic, ...] = (*TOPICS, OWN_TOPIC)


class Operation(NamedTuple):
    """What a kind of process does with a topic."""

    who: Literal["producer", "api", "worker", "cli"]
    action: Literal["send", "receive"]
    topic: Topic
    why: str


OPERATIONS: tuple[Operation, ...] = (
    Operation("producer", "send", QUERIES, "Ask a question, or stop one, without the API."),
    Operation("producer", "send", DOCUMENTS, "Submit or delete a document without the API."),
    Operation("producer", "send", FEEDBACK, "Judge an answer without the API."),
    Operation("api", "send", QUERIES, "POST …/queries and …/cancel."),
    Operation("api", "send", DOCUMENTS, "POST and DELETE /v1/documents."),
    Operation("api", "send", FEEDBACK, "POST …/feedback."),
    Operation("api", "receive", SESSIONS, "The tail behind server-sent events, of sessions in lanes."),
    Operation("api", "receive", OWN_TOPIC, "The tail behind server-sent events, of sessions with a topic of their own."),
    Operation("worker", "receive", QUERIES, "Find chunks for each question."),
    Operation("worker", "receive", RETRIEVALS, "Generate the answer."),
    Operation("worker", "receive", DOCUMENTS, "Cut and embed each document."),
    Operation("worker", "receive", FEEDBACK, "Note feedback in its session."),
    Operation("worker", "receive", CHUNKS, "Apply every chunk to this worker's own index."),
    Operation("worker", "send", RETRIEVALS, "What was found, for the next step."),
    Operation("worker", "send", SESSIONS, "Everything that happens in a session."),
    Operation("worker", "send", OWN_TOPIC, "Everything that happens in a session."),
    Operation("worker", "send", ANSWERS, "The audit record."),
    Operation("worker", "receive", ANSWERS, "Remember answers that may be given again."),
    Operation("worker", "send", PREFERENCES, "Pairs, as feedback comes."),
    Operation("api", "receive", PREFERENCES, "Corrections that wait for a review: GET /v1/review."),
    Operation("api", "send", REVIEWS, "POST /v1/review/{id}."),
    Operation("api", "receive", REVIEWS, "What was decided."),
    Operation("worker", "receive", REVIEWS, "Make documents of the corrections that were approved."),
    Operation("worker", "send", DOCUMENTS, "Corrections that were approved."),
    Operation("worker", "receive", INSIGHTS, "One of them sees what stands there already."),
    Operation("worker", "send", INSIGHTS, "Rows that have changed."),
    Operation("api", "receive", INSIGHTS, "GET /v1/insights."),
    Operation("cli", "send", FLAGS, "`roxy flags`, or PUT /v1/flags."),
    Operation("worker", "receive", FLAGS, "What holds for whom."),
    Operation("api", "send", READERS, "Which sessions have readers."),
    Operation("worker", "receive", READERS, "Which sessions have readers."),
    Operation("worker", "send", QUERIES, "Cancel answers that nobody reads."),
    Operation("worker", "send", CHUNKS, "Chunks of a document, and tombstones of those that are gone."),
    Operation("worker", "send", INGESTIONS, "What became of a document."),
    Operation("worker", "send", DEAD_LETTERS, "A record that no step could finish."),
    Operation("cli", "send", GENERATIONS, "`roxy index rebuild`, `swap` and `rollback`."),
    Operation("worker", "receive", GENERATIONS, "Load the generation of the index that is to serve."),
    Operation("worker", "send", GENERATIONS, "Which generation this worker serves."),
)


def asyncapi_document(settings: Settings) -> dict[str, Any]:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {"host": settings.bootstrap, "protocol": "kafka", "description": "The local broker of `roxy up`, or ROXY_KAFKA_BOOTSTRAP."}
        },
        "channels": {channel_name(topic): _channel(topic, settings) for topic in CHANNELS},
        "operations": {f"{op.who}-{op.action}-{channel_name(op.topic)}": _operation(op) for op in OPERATIONS},
        "components": {"messages": {**{name: _record(event) for name, event in EVENTS.items()}, _TOMBSTONE: _tombstone()}},
    }


def channel_name(topic: Topic) -> str:
    """The key of a topic in `channels`."""
    return "session" if topic is OWN_TOPIC else topic.name


def topics_of(event: type[Event]) -> tuple[Topic, ...]:
    """The topics that an event's records lie in."""
    return tuple(topic for topic in CHANNELS if event in topic.events)


def _info() -> dict[str, Any]:
    return {
        "title": "Roxy",
        "version": VERSION,
        "description": (
            "Every query, retrieved chunk set, token and piece of feedback as a Kafka record. A record's value is the event's JSON "
            "(JSON Schema 2020-12, one file an event in events/); its headers follow the CloudEvents 1.0 Kafka binding in binary mode."
        ),
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }


def _channel(topic: Topic, settings: Settings) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic.name,
        "description": f"{topic.what} Keyed by {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _record_names(topic)},
        "bindings": {"kafka": _topic_binding(topic, settings)},
    }
    if topic is OWN_TOPIC:
        channel["parameters"] = {
            "tenant": {"description": "Whose session it is.", "examples": ["default"], "location": "$message.header#/tenant"},
            "session_id": {"description": "The session's id; it begins with `t`.", "location": "$message.header#/ce_subject"},
        }
    return channel


def _topic_binding(topic: Topic, settings: Settings) -> dict[str, Any]:
    config = topic_config(SESSIONS if topic is OWN_TOPIC else topic, settings)
    return {
        "partitions": 1 if topic is OWN_TOPIC else partitions(topic, settings),
        "replicas": settings.kafka_replicas,
        "topicConfiguration": {
            "cleanup.policy": config["cleanup.policy"].split(","),
            **{name: int(text) for name, text in config.items() if name != "cleanup.policy"},
        },
        "bindingVersion": _KAFKA_BINDING,
    }


def _operation(operation: Operation) -> dict[str, Any]:
    channel = f"#/channels/{channel_name(operation.topic)}"
    return {
        "action": operation.action,
        "channel": {"$ref": channel},
        "summary": operation.why,
        "tags": [{"name": operation.who}],
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _record_names(operation.topic)],
    }


def _record_names(topic: Topic) -> list[str]:
    return [event.__name__ for event in topic.events] + [_TOMBSTONE] * (topic is CHUNKS)


def _record(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.__name__,
        "title": f"{event.__name__}, version {version_of(event)}",
        "summary": sentence_of(event),
        "contentType": "application/json",
        "correlationId": {"location": "$message.header#/correlation"},
        "headers": headers_schema(event),
        "payload": {"$ref": f"./{schema_file(event)}"},
        "bindings": {"kafka": _key_binding(f"The event's `{event.SUBJECT}`.")},
    }


def _tombstone() -> dict[str, Any]:
    return {
        "name": _TOMBSTONE,
        "title": "Tombstone",
        "summary": "A null value: the chunk under this key is gone.",
        "headers": tombstone_headers_schema(),
        "payload": {"type": "null"},
        "bindings": {"kafka": _key_binding("The chunk's id.")},
    }


def _key_binding(what: str) -> dict[str, Any]:
    return {"key": {"type": "string", "description": what}, "bindingVersion": _KAFKA_BINDING}
