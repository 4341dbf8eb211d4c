"""Records that were shipped stay readable, and mean what they meant: one golden file per version, kept for ever."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.asyncapi import VERSION
from schemas.attempts import AttemptFilter, Marks
from schemas.codec import Context, decode, encode
from schemas.events import EVENTS, AnswerCompleted, Event, GenerationStarted, TokensGenerated
from schemas.json_schemas import event_schema, version_of
from schemas.record import Position, Record
from schemas.upcasters import upcast
from tests.history.record import EVENTS_TODAY, HERE, TRACE, records_in

SESSIONS = sorted(HERE.glob("v*.session.jsonl"))
RECORDS = [path for path in sorted(HERE.glob("v*.jsonl")) if path not in SESSIONS]
#: What each version's golden session answers. A new version adds a line.
ANSWERS = {"v0.1.0.session.jsonl": "A topic is a log, kept in partitions [1]."}
_CONTEXT = Context("/roxy/golden", TRACE, Position("queries", 3, 40))


def _each(paths: list[Path]) -> pytest.MarkDecorator:
    found = [(path.name, record) for path in paths for record in records_in(path)]
    return pytest.mark.parametrize(
        "record", [record for _, record in found], ids=[f"{name}-{record.offset}-{record.header('ce_type')}" for name, record in found]
    )


def _is_of_today(record: Record) -> bool:
    fields = orjson.loads(record.value or b"")
    return bool(fields["version"] == version_of(EVENTS[fields["type"]]))


def _folded(records: list[Record]) -> tuple[str, list[Event]]:
    """The answer's text that a reader puts together, and the events that count."""
    counts, texts, counting = AttemptFilter(), list[str](), list[Event]()
    for record in records:
        if not counts.admits(Marks.of(record.headers)):
            continue
        event = decode(record)
        counting.append(event)
        if isinstance(event, GenerationStarted):
            del texts[event.resumes_at :]
        elif isinstance(event, TokensGenerated):
            texts.append(event.text)
    return "".join(texts), counting


@_each(RECORDS + SESSIONS)
def test_a_golden_record_is_read_as_the_event_that_it_was(record: Record) -> None:
    """Every field as it was written, after the upcasters of older versions."""
    event = decode(record)

    assert orjson.loads(orjson.dumps(event.model_dump())) == upcast(orjson.loads(record.value or b""))
    assert (event.type, event.id, event.tenant, event.time) == tuple(record.header(name) for name in ("ce_type", "ce_id", "tenant", "ce_time"))
    assert event.subject.encode() == record.key


@_each(RECORDS + SESSIONS)
def test_a_golden_record_is_written_again_byte_for_byte(record: Record) -> None:
    """Key, value and headers. An older version is written as today's, which reads as the same event."""
    event = decode(record)
    draft = encode(event, _CONTEXT)

    if _is_of_today(record):
        assert draft == (record.key, record.value, record.headers)
    assert decode(record._replace(value=draft.value)) == event


@_each(RECORDS + SESSIONS)
def test_a_golden_record_fits_its_json_schema(record: Record) -> None:
    """As docs/events/ publishes it."""
    fields = upcast(orjson.loads(record.value or b""))

    assert list(Draft202012Validator(event_schema(EVENTS[fields["type"]])).iter_errors(fields)) == []


def test_todays_golden_records_are_todays_events() -> None:
    """What the script writes is what lies in the file. If an event was changed on purpose before its release, run it with --again."""
    assert [decode(record) for record in records_in(HERE / f"v{VERSION}.jsonl")] == list(EVENTS_TODAY)


def test_every_version_of_every_event_has_a_golden_record() -> None:
    """From version 1 on, none left out."""
    shipped = {(event, version) for event, known in EVENTS.items() for version in range(1, version_of(known) + 1)}
    values = [orjson.loads(record.value or b"") for record in chain.from_iterable(records_in(path) for path in RECORDS)]

    assert {(fields["type"], fields["version"]) for fields in values} == shipped


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.name)
def test_a_golden_session_folds_to_its_known_answer(path: Path) -> None:
    """A second attempt, stale records of the first, a double, an end that came late: the text is the known one, and so says the end."""
    text, counting = _folded(records_in(path))
    ends = [event.text for event in counting if isinstance(event, AnswerCompleted)]

    assert text == ANSWERS[path.name]
    assert ends == [ANSWERS[path.name]]


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.name)
def test_a_golden_session_is_read_alike_from_every_record_on(path: Path) -> None:
    """A reader that resumes with the cursor's state meets exactly the rest."""
    records = records_in(path)
    whole = AttemptFilter()
    counting = [whole.admits(Marks.of(record.headers)) for record in records]

    for cut in range(len(records) + 1):
        first = AttemptFilter()
        before = [first.admits(Marks.of(record.headers)) for record in records[:cut]]
        second = AttemptFilter(first.open_answers)
        after = [second.admits(Marks.of(record.headers)) for record in records[cut:]]
        assert before + after == counting
