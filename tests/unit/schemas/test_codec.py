"""Codec: what goes in comes out, and what cannot be read says where it lies."""

from __future__ import annotations

import json

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Context, decode, encode, event_type_of
from schemas.errors import UnreadableRecord
from schemas.events import (
    EVENTS,
    AnswerEvent,
    ChunksRetrieved,
    Event,
    GenerationStarted,
    QueryAsked,
    QueryCancelled,
    RecordDeadLettered,
    RegenerationAsked,
    TokensGenerated,
)
from schemas.record import Position, Record
from tests.unit.schemas.event_strategies import any_event, contexts, record_of

_ASKED = {"type": "QueryAsked", "version": 1, "id": "q1", "tenant": "default", "session_id": "t1", "query_id": "q1", "text": "Why?"}
_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _record(value: bytes | None) -> Record:
    return Record("queries", 3, 41, b"t1", value, ())


@given(any_event(), contexts())
def test_an_event_comes_back_from_its_record_as_it_was(event: Event, context: Context) -> None:
    """decode(encode(event)) is the event, whatever its type and fields; encoding it again gives the same bytes."""
    draft = encode(event, context)

    decoded = decode(record_of(draft))

    assert decoded == event
    assert type(decoded) is type(event)
    assert encode(decoded, context) == draft


@given(any_event(), contexts())
def test_a_record_is_a_cloud_event_to_the_official_package(event: Event, context: Context) -> None:
    """`cloudevents` reads each record as a valid CloudEvent 1.0 of the Kafka binding, with our id, type, source, subject, time and fields."""
    draft = encode(event, context)

    cloud_event = from_binary(KafkaMessage(dict(draft.headers), draft.key, draft.value or b""), JSONFormat())

    found = (cloud_event.get_id(), cloud_event.get_type(), cloud_event.get_source(), cloud_event.get_subject(), cloud_event.get_specversion())
    assert found == (event.id, event.type, context.source, event.subject or None, "1.0")
    assert cloud_event.get_data() == orjson.loads(draft.value or b"")
    assert cloud_event.get_datacontenttype() == "application/json"


def _other_answer(event: Event) -> str | None:
    """The answer that an event names that is about answers, and of none."""
    match event:
        case RegenerationAsked():
            return event.sibling.answer_id
        case ChunksRetrieved():
            return event.sibling.answer_id if event.sibling else None
        case QueryCancelled():
            return event.answer_id
    return None


@given(any_event(), contexts())
def test_headers_say_whose_which_and_from_where(event: Event, context: Context) -> None:
    """Tenant, correlation, trace, causation, repeat, and for an answer its id, attempt and index, without decoding the value."""
    record = record_of(encode(event, context))

    assert (record.header("tenant"), record.header("correlation")) == (event.tenant, event.correlation)
    assert record.header("traceparent") == context.traceparent
    assert record.header("causation") == (str(context.causation) if context.causation else None)
    assert record.header("repeat") == ("1" if context.repeat else None)
    answer = (event.answer_id, str(event.attempt)) if isinstance(event, AnswerEvent) else (_other_answer(event), None)
    assert (record.header("answer"), record.header("attempt")) == answer
    index = {TokensGenerated: "index", GenerationStarted: "resumes_at"}.get(type(event))
    assert record.header("index") == (str(getattr(event, index)) if index else None)


@pytest.mark.parametrize("name", EVENTS)
def test_the_type_stands_in_a_header(name: str) -> None:
    """A reader can tell the type without decoding."""
    assert event_type_of(Record("t", 0, 0, None, b"{}", (("ce_type", name.encode()),))) == name
    assert event_type_of(Record("t", 0, 0, None, b"{}", ())) == ""


def test_a_dead_letter_of_a_record_without_a_key_has_no_subject() -> None:
    """CloudEvents knows no empty attributes: `ce_subject` is left out."""
    event = RecordDeadLettered(
        id="dead:queries/0/0", tenant="default", topic="queries", partition=0, offset=0, original_key="", original_value=None,
        step="retrieve", error="unreadable-record", detail="It is no JSON.", remedy="Mend it.", tries=1,
    )  # fmt: skip

    headers = dict(encode(event, Context("/roxy/worker", _TRACE, Position("queries", 0, 0))).headers)

    assert "ce_subject" not in headers
    assert headers["causation"] == b"queries[0]@0"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "has no value"),
        (b"", "is no JSON"),
        (b"no JSON", "is no JSON"),
        (b'{"type": "QueryAsked"', "is no JSON"),
        (b'{"type": "\xff"}', "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'[{"type": "QueryAsked"}]', "is JSON, but no object"),
        (b"null", "is JSON, but no object"),
        (b"{}", "holds no event"),
        (orjson.dumps({**_ASKED, "type": "QueryAnswered"}), "holds no event"),
        (orjson.dumps({**_ASKED, "type": ["QueryAsked"]}), "holds no event"),
        (orjson.dumps({name: value for name, value in _ASKED.items() if name != "version"}), "holds no event"),
        (orjson.dumps({**_ASKED, "version": "1"}), "holds no event"),
        (orjson.dumps({**_ASKED, "version": 1.0}), "holds no event"),
        (orjson.dumps({**_ASKED, "version": 0}), "does not fit QueryAsked: version"),
        (orjson.dumps({**_ASKED, "version": 99}), "does not fit QueryAsked: version"),
        (orjson.dumps({**_ASKED, "colour": "red"}), "does not fit QueryAsked: colour"),
        (orjson.dumps({**_ASKED, "text": ""}), "does not fit QueryAsked: text"),
        (orjson.dumps({**_ASKED, "tenant": "Not A Tenant"}), "does not fit QueryAsked: tenant"),
        (orjson.dumps({name: value for name, value in _ASKED.items() if name != "session_id"}), "does not fit QueryAsked: session_id"),
    ],
)
def test_a_value_that_cannot_be_read_says_where_it_lies_and_why(value: bytes | None, why: str) -> None:
    """UnreadableRecord, and nothing else, with topic, partition, offset and the reason."""
    with pytest.raises(UnreadableRecord) as caught:
        decode(_record(value))

    assert caught.value.detail.startswith(f"queries[3]@41 {why}")


_NUMBERS = st.one_of(st.integers(-2, 2**70), st.floats(), st.booleans(), st.none(), st.text(max_size=3))


@given(st.fixed_dictionaries({"index": _NUMBERS, "attempt": _NUMBERS, "text": st.one_of(st.text(), st.none())}), st.booleans(), st.binary(max_size=2))
def test_tokens_are_read_the_short_way_as_they_are_the_long_way(fields: dict[str, object], extra: bool, behind: bytes) -> None:
    """What begins as our own writers' tokens do is parsed by another parser: what is sound is the same event, what is not is refused."""
    begin = {"type": "TokensGenerated", "version": 1}
    rest = {"id": "a:1:7", "tenant": "default", "time": "2026", "session_id": "t1", "query_id": "q1", "answer_id": "a1", **fields}
    text = json.dumps({**begin, **rest, **({"colour": "red"} if extra else {})}, separators=(",", ":"))
    short, long = text.encode(errors="surrogatepass") + behind, b" " + text.encode(errors="surrogatepass") + behind

    assert short.startswith(b'{"type":"TokensGenerated","version":1,')
    assert _read_or_refused(short) == _read_or_refused(long)


def _read_or_refused(value: bytes) -> Event | str:
    try:
        return decode(_record(value))
    except UnreadableRecord as error:
        return error.detail.partition(" is no JSON")[0]


def test_fields_with_a_default_may_be_left_out_by_a_producer() -> None:
    """Only what an event cannot do without is asked for."""
    event = decode(_record(orjson.dumps(_ASKED)))

    assert isinstance(event, QueryAsked)
    assert (event.asked_by, event.idempotency_key) == ("anonymous", None)
