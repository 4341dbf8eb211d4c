"""Codec: an event to a record and back, and the record that takes a key away. The only way in and out of a record's text.

Value: the event's JSON (orjson). Headers: CloudEvents 1.0, Kafka binding, binary mode (`content-type`, `ce_…`), W3C
`traceparent`, and ours: `tenant`, `correlation`, `causation` (the record that this one was derived from), `repeat` (this one may
be a double); on records of an answer also `answer`, `attempt`, `index`, so that a reader can drop stale ones without decoding the
value. schemas/record_headers.py has them as a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas.errors import UnreadableRecord
from schemas.events import EVENTS, AnswerEvent, ChunksRetrieved, Event, GenerationStarted, QueryCancelled, RegenerationAsked, TokensGenerated, now
from schemas.record import Draft, Position, Record
from schemas.upcasters import upcast

_NO_TENANT = "default"  # of a key that names none
_TOKENS = b'{"type":"TokensGenerated","version":1,'  # so begin nine records of ten
_MOST = 2**63  # orjson takes no whole number for one that is much larger
_read_tokens = TypeAdapter(TokensGenerated).validator.validate_json


class Context(NamedTuple):
    """What a record says of where it came from, beside its event."""

    source: str  #: `ce_source`: the process that wrote it, such as `/roxy/api`
    traceparent: str  #: W3C trace context of the work that made it
    causation: Position | None = None  #: the record that it was derived from
    repeat: bool = False  #: the same record may have been written before: whoever reads it looks for what it led to


def encode(event: Event, context: Context) -> Draft:
    """The record of an event."""
    headers = [
        ("content-type", b"application/json"),
        *_headers(
            context,
            record_id=event.id,
            record_type=event.type,
            subject=event.subject,
            time=event.time,
            tenant=event.tenant,
            correlation=event.correlation,
        ),
    ]
    if isinstance(event, AnswerEvent):
        headers += [("answer", event.answer_id.encode()), ("attempt", str(event.attempt).encode())]
        if isinstance(event, TokensGenerated | GenerationStarted):
            index = event.index if isinstance(event, TokensGenerated) else event.resumes_at
            headers.append(("index", str(index).encode()))
    elif (answer_id := _meant(event)) is not None:
        headers.append(("answer", answer_id.encode()))
    return Draft(event.subject.encode(), orjson.dumps(event.model_dump()), tuple(headers))


def tombstone(key: str, context: Context) -> Draft:
    """The record that takes a key out of a compacted topic: no value, and the headers of a CloudEvent without one."""
    tenant = key.partition("/")[0] if "/" in key else _NO_TENANT
    headers = _headers(context, record_id=f"{key}:gone", record_type="Tombstone", subject=key, time=now(), tenant=tenant, correlation=key)
    return Draft(key.encode(), None, tuple(headers))


def decode(record: Record) -> Event:
    """The event of a record, upcast to its present version.

    Raises UnreadableRecord for a tombstone, for a value that is no JSON object, and for one that does not fit its type's schema.
    """
    if record.value is not None and record.value.startswith(_TOKENS) and (tokens := _tokens(record.value)) is not None:
        return tokens
    fields = _json_object(record)
    event_type = EVENTS.get(str(fields.get("type")))
    if event_type is None or not isinstance(fields.get("version"), int):
        raise UnreadableRecord(f"{record.position} holds no event that this version of Roxy knows.")
    try:
        return event_type.model_validate(upcast(fields))
    except ValidationError as error:
        raise UnreadableRecord(f"{record.position} does not fit {event_type.__name__}: {_problem(error)}.") from error


def _tokens(value: bytes) -> TokensGenerated | None:
    """Parsed and checked in one go, which takes half of the time; None if that is no sound one: the other way says what is wrong with it."""
    try:
        tokens: TokensGenerated = _read_tokens(value)
    except ValidationError:
        return None
    return tokens if tokens.index < _MOST > tokens.attempt else None


def decoded(record: Record) -> Event | None:
    """Like `decode`; None for a record that cannot be read. For those who fold a topic: what came through an agent, the dead letters have."""
    try:
        return decode(record)
    except UnreadableRecord:
        return None


def event_type_of(record: Record) -> str:
    """The event's type by its header alone, without decoding the value; empty if there is none."""
    return record.header("ce_type") or ""


def _headers(
    context: Context, *, record_id: str, record_type: str, subject: str, time: str, tenant: str, correlation: str
) -> Iterator[tuple[str, bytes]]:
    """What every record says of itself, and of where it came from."""
    yield "ce_specversion", b"1.0"
    yield "ce_id", record_id.encode()
    yield "ce_type", record_type.encode()
    yield "ce_source", context.source.encode()
    if subject:  # CloudEvents has no empty attributes
        yield "ce_subject", subject.encode()
    yield "ce_time", time.encode()
    yield "traceparent", context.traceparent.encode()
    yield "tenant", tenant.encode()
    yield "correlation", correlation.encode()
    if context.causation is not None:
        yield "causation", str(context.causation).encode()
    if context.repeat:
        yield "repeat", b"1"


def _meant(event: Event) -> str | None:
    """The answer that an event means that is none of its own. None: the question's first one; of a cancellation, all of them."""
    match event:
        case RegenerationAsked():
            return event.answer_id
        case ChunksRetrieved():
            return event.sibling.answer_id if event.sibling else None
        case QueryCancelled():
            return event.answer_id
    return None


def _json_object(record: Record) -> dict[str, Any]:
    if record.value is None:
        raise UnreadableRecord(f"{record.position} has no value.")
    try:
        fields = orjson.loads(record.value)
    except orjson.JSONDecodeError as error:
        raise UnreadableRecord(f"{record.position} is no JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise UnreadableRecord(f"{record.position} is JSON, but no object.")
    return fields


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'event'}: {first['msg']}"
