"""The contracts under docs/: in step with schemas/, whole, and valid by the official schema."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from schemas.asyncapi import CHANNELS, OPERATIONS, VERSION, asyncapi_document
from schemas.codec import Context, encode
from schemas.contracts import contract_files
from schemas.events import (
    EVENTS,
    AnswerEvent,
    ChunksRetrieved,
    Event,
    GenerationStarted,
    QueryCancelled,
    RegenerationAsked,
    Sibling,
    TokensGenerated,
    Value,
)
from schemas.json_schemas import DIALECT, event_schema, notes_of
from schemas.record import Position
from schemas.record_headers import HEADERS, headers_of, headers_schema
from schemas.settings import PREFIX, Settings
from tests.history.record import EVENTS_TODAY
from tests.unit.schemas.event_strategies import any_event, contexts

ROOT = Path(__file__).resolve().parents[3]
FILES = contract_files()
DOCUMENT = json.loads(FILES["docs/asyncapi.json"])
SPECS = "@asyncapi/specs@6.11.1"
BY_EVENT = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, inner in part.items():
            if name == "$ref":
                yield inner
            else:
                yield from _refs(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _refs(inner)


def _resolve(reference: str, home: str) -> Any:
    """What a `$ref` in a document of ours points at. Raises KeyError if it dangles."""
    file, _, pointer = reference.partition("#")
    found = json.loads(FILES[f"docs/{file.removeprefix('./')}" if file else home])
    for step in pointer.split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


@cache
def _validator(event: type[Event]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(event_schema(event))


# ----------------------------------------------------------------- in step


@pytest.mark.parametrize("path", FILES)
def test_a_contract_is_in_step_with_the_schemas(path: str) -> None:
    """If this fails: `roxy contracts`, look at what changed, commit it."""
    assert (ROOT / path).read_text("utf-8") == FILES[path]


def test_the_same_schemas_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("ROXY_PARTITIONS", "77")
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere/else")

    assert contract_files() == FILES


def test_the_document_carries_the_release() -> None:
    """The version of the contracts is the package's."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION == DOCUMENT["info"]["version"]


# ------------------------------------------------------------------- whole


def test_every_reference_resolves() -> None:
    """Within the document, into the event schemas, and within those."""
    for home in (path for path in FILES if path.endswith(".json")):
        for reference in _refs(json.loads(FILES[home])):
            assert _resolve(reference, home)


def test_every_topic_and_event_is_in_the_document() -> None:
    """Each topic a channel with its events, each event a record with its own schema."""
    channels = {channel["address"]: set(channel["messages"]) - {"Tombstone"} for channel in DOCUMENT["channels"].values()}

    assert channels == {topic.name: {event.__name__ for event in topic.events} for topic in CHANNELS}
    assert set(DOCUMENT["components"]["messages"]) == {*EVENTS, "Tombstone"}
    assert _resolve(DOCUMENT["components"]["messages"]["QueryAsked"]["payload"]["$ref"], "")["title"] == "QueryAsked"


def test_an_operation_names_records_of_its_own_channel() -> None:
    """The official schema does not look at that."""
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]

        assert {message["$ref"].rpartition("/messages/")[0] for message in operation["messages"]} == {channel}


def test_every_topic_is_written_by_someone() -> None:
    """And every question, document and judgement can come from a producer without the API."""
    assert {operation.topic.name for operation in OPERATIONS if operation.action == "send"} == {topic.name for topic in CHANNELS}
    assert {operation.topic.name for operation in OPERATIONS if operation.who == "producer"} == {"queries", "documents", "feedback"}


def test_a_channel_says_how_its_topic_is_kept() -> None:
    """By Kafka's names, at default settings; a session's own topic has one partition."""
    binding = DOCUMENT["channels"]["chunks"]["bindings"]["kafka"]
    session = DOCUMENT["channels"]["session"]["bindings"]["kafka"]

    assert (binding["partitions"], binding["topicConfiguration"]["cleanup.policy"]) == (8, ["compact"])
    assert (session["partitions"], session["topicConfiguration"]["retention.ms"]) == (1, 30 * 24 * 3_600_000)


@pytest.mark.parametrize("page", ["docs/events.md", "docs/settings.md"])
def test_a_page_has_a_heading_for_everything(page: str) -> None:
    """Topics and events there, settings here."""
    headings = [line.lstrip("# ").strip("`") for line in FILES[page].splitlines() if line.startswith("### ")]
    wanted = [*(topic.name for topic in CHANNELS), *EVENTS] if "events" in page else [PREFIX + name.upper() for name in Settings.model_fields]

    assert [name for name in wanted if headings.count(name) != 1] == []


def test_links_within_a_page_lead_to_a_heading() -> None:
    """As GitHub makes anchors."""
    page = FILES["docs/events.md"]
    anchors = {line.lstrip("# ").lower().translate(str.maketrans(" ", "-", "`{}.")) for line in page.splitlines() if line.startswith("#")}
    linked = {part.partition(")")[0] for part in page.split("](#")[1:]}

    assert linked - anchors == set()


# ------------------------------------------------------------ event schemas


@BY_EVENT
def test_an_event_schema_is_one(event: type[Event]) -> None:
    """JSON Schema 2020-12, with an id of its own and the docstring as description."""
    schema = event_schema(event)
    jsonschema.Draft202012Validator.check_schema(schema)

    assert (schema["$schema"], schema["$id"]) == (DIALECT, f"urn:roxy:event:{event.__name__}:v1")
    assert schema["description"] == " ".join((event.__doc__ or "").split())
    assert schema["required"][:2] == ["type", "version"]


@given(any_event())
@hypothesis_settings(max_examples=200)
def test_any_event_fits_its_schema(event: Event) -> None:
    """What Roxy writes is what it publishes."""
    value = encode(event, Context("/roxy/api", "")).value or b""

    assert list(_validator(type(event)).iter_errors(json.loads(value))) == []


@pytest.mark.parametrize("event", EVENTS_TODAY, ids=[event.type for event in EVENTS_TODAY])
def test_a_field_that_no_event_has_does_not_fit(event: Event) -> None:
    """Nor one of another type, nor a record without its version."""
    fields = json.loads(encode(event, Context("/roxy/api", "")).value or b"")
    validator = _validator(type(event))
    wrong = [{**fields, "colour": "red"}, {**fields, "tenant": 7}, {name: value for name, value in fields.items() if name != "version"}]

    assert [validator.is_valid(value) for value in (fields, *wrong)] == [True, False, False, False]


def test_notes_are_taken_from_the_fields_comments() -> None:
    """Of the class and of those above it."""
    notes = notes_of(TokensGenerated)

    assert notes["session_id"] == "the session, and the record's key"
    assert notes["attempt"] == "of two attempts the higher wins"
    assert notes_of(Value) == {}


# ----------------------------------------------------------------- headers


@given(any_event(), contexts())
def test_the_headers_that_the_codec_writes_are_the_ones_in_the_table(event: Event, context: Context) -> None:
    """Their names, in their order, and values that fit the published schema."""
    headers = encode(event, context).headers
    expected = [header.name for header in headers_of(type(event)) if header.always or header.name in dict(headers)]

    assert [name for name, _ in headers] == expected
    jsonschema.validate({name: value.decode() for name, value in headers}, headers_schema(type(event)), jsonschema.Draft202012Validator)


@BY_EVENT
def test_with_all_that_a_record_can_say_every_header_is_there(event: type[Event]) -> None:
    """No header in the table that the codec never writes."""
    example = next(one for one in EVENTS_TODAY if type(one) is event)
    if event is not RegenerationAsked:  # which has its sibling already
        may_be = {"original_key": "k", "sibling": Sibling(answer_id="a-q1.1"), "answer_id": "a-q1"}
        example = example.model_copy(update={name: value for name, value in may_be.items() if name in event.model_fields})
    headers = encode(example, Context("/roxy/api", "", Position("queries", 0, 0), repeat=True)).headers

    assert [name for name, _ in headers] == [header.name for header in headers_of(event)]


def test_an_answers_headers_are_of_its_own_events() -> None:
    """`answer` and `attempt` on all of them, `index` on two; `answer` also on what asks for another answer, was found for it, or stops it alone."""
    carriers = {name: {each for header in HEADERS if header.name == name for each in header.of} for name in ("answer", "attempt", "index")}

    assert carriers["answer"] == {AnswerEvent, RegenerationAsked, ChunksRetrieved, QueryCancelled}
    assert (carriers["attempt"], carriers["index"]) == ({AnswerEvent}, {GenerationStarted, TokensGenerated})


# --------------------------------------------------------- official schema


@pytest.fixture(scope="module")
def official_schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """AsyncAPI 3.0.0 as its makers publish it, installed with npm: it is not copied into this repository."""
    folder = tmp_path_factory.mktemp("asyncapi")
    subprocess.run(["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", SPECS], cwd=folder, check=True, timeout=110)
    loaded: dict[str, Any] = json.loads((folder / "node_modules/@asyncapi/specs/schemas/3.0.0.json").read_text())
    return loaded


@pytest.mark.full
def test_the_document_is_valid_asyncapi(official_schema: dict[str, Any]) -> None:
    """By the official JSON Schema, bindings included."""
    validator = jsonschema.Draft7Validator(official_schema)

    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []


@pytest.mark.full
@pytest.mark.parametrize("fault", ["action", "binding", "payload"])
def test_the_official_schema_finds_faults(official_schema: dict[str, Any], fault: str) -> None:
    """A judge that lets everything pass is none: three faults put in on purpose."""
    document = asyncapi_document(Settings.model_construct())
    if fault == "action":
        next(iter(document["operations"].values()))["action"] = "publish"
    elif fault == "binding":
        document["channels"]["queries"]["bindings"]["kafka"]["partitions"] = "eight"
    else:
        document["components"]["messages"]["QueryAsked"]["payload"] = {"type": "text"}

    assert not jsonschema.Draft7Validator(official_schema).is_valid(document)
