"""The headers that schemas/codec.py writes, as a table for the AsyncAPI document and docs/events.md.

tests/unit/schemas/test_asyncapi.py compares it with what the codec writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.events import AnswerEvent, ChunksRetrieved, Event, GenerationStarted, QueryCancelled, RegenerationAsked, TokensGenerated

_TRACEPARENT = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"  # https://www.w3.org/TR/trace-context/#traceparent-header


class Header(NamedTuple):
    """One header. Its value is UTF-8 text."""

    name: str
    what: str
    rule: dict[str, Any]  #: what JSON Schema says of its text
    of: tuple[type[Event], ...] = (Event,)  #: only events of these types have it
    always: bool = True


_TOKENS = (GenerationStarted, TokensGenerated)

HEADERS: tuple[Header, ...] = (
    Header("content-type", "Media type of the value.", {"const": "application/json"}),
    Header("ce_specversion", "Version of CloudEvents.", {"const": "1.0"}),
    Header("ce_id", "The event's id.", {"minLength": 1}),
    Header("ce_type", "The event's type.", {"minLength": 1}),
    Header("ce_source", "The process that wrote the record, such as `/roxy/api`.", {"minLength": 1, "format": "uri-reference"}),
    Header("ce_subject", "What the event is about; the record's key. Left out if that is empty.", {"minLength": 1}, always=False),
    Header("ce_time", "When it happened.", {"format": "date-time"}),
    Header("traceparent", "W3C trace context of the work that made the record.", {"pattern": _TRACEPARENT}),
    Header("tenant", "Whose it is.", {"minLength": 1}),
    Header("correlation", "The query id; of a document's records the document id.", {}),
    Header("causation", "The record that it was derived from: topic[partition]@offset.", {"pattern": r"^.+\[\d+\]@\d+$"}, always=False),
    Header("repeat", "Set if the same record may have been written before.", {"const": "1"}, always=False),
    Header("answer", "The answer's id.", {"minLength": 1}, (AnswerEvent,)),
    Header("answer", "The answer's id, where that is not the question's first one.", {"minLength": 1}, (RegenerationAsked,)),
    Header("answer", "The answer's id, where that is not the question's first one.", {"minLength": 1}, (ChunksRetrieved,), always=False),
    Header("answer", "The answer's id, where only a certain one is meant.", {"minLength": 1}, (QueryCancelled,), always=False),
    Header("attempt", "The attempt: of two the higher wins.", {"pattern": r"^\d+$"}, (AnswerEvent,)),
    Header("index", "Index of the token record; of GenerationStarted, where it resumes.", {"pattern": r"^\d+$"}, _TOKENS),
)


def headers_of(event: type[Event]) -> tuple[Header, ...]:
    """The headers of an event's records."""
    return tuple(header for header in HEADERS if issubclass(event, header.of))


def headers_schema(event: type[Event]) -> dict[str, Any]:
    """What JSON Schema says of the headers of an event's records."""
    return _schema(headers_of(event), event.__name__)


def tombstone_headers_schema() -> dict[str, Any]:
    """The same of a tombstone's: it has no value, so no media type."""
    return _schema(tuple(header for header in headers_of(Event) if header.name != "content-type"), "Tombstone")


def _schema(headers: Sequence[Header], record_type: str) -> dict[str, Any]:
    properties = {header.name: {"type": "string", **header.rule, "description": header.what} for header in headers}
    properties["ce_type"] = {"type": "string", "const": record_type, "description": "The event's type."}
    return {"type": "object", "required": [header.name for header in headers if header.always], "properties": properties}
