"""Dead letters: they hold every record that failed, as it was, and nothing that did not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from schemas.errors import RoxyError, Unavailable
from schemas.events import TERMINAL, answer_id_of
from schemas.record import Position, Record
from schemas.session_id import Session
from schemas.topics import DEAD_LETTERS, DOCUMENTS, FEEDBACK, INGESTIONS, QUERIES, RETRIEVALS, TOPICS
from tests.robustness.log import Entry, Log
from tests.robustness.standing import whole_answers
from tests.robustness.validators.violation import Violation


def _slugs(error: type[RoxyError]) -> Iterator[str]:
    """Of an error, and of all that are some of it."""
    yield error.slug()
    for child in error.__subclasses__():
        yield from _slugs(child)


RULE = "dead letters"
_COMPACTED = frozenset(topic.name for topic in TOPICS if topic.cleanup == "compact")
_ASKING = frozenset({QUERIES.name, RETRIEVALS.name})
_MOVE = ("worker", "broker", "rebalance")  # words of kinds of faults after which partitions go from one worker to another
_MAY_PASS = frozenset(_slugs(Unavailable))
_MOVED_S = 10.0  # the consumer group's session of 8 s, and what it takes to share out anew


def violations(log: Log) -> Iterator[Violation]:
    records = {record.position: record for topic in log.history.topics.values() for record in topic}
    letters = {_place(entry.event): entry for entry in log.events(DEAD_LETTERS.name)}
    yield from _failed_answers(log, letters, records)
    yield from _failed_documents(log, letters)
    for place, letter in letters.items():
        yield from _as_it_was(log, place, letter, records)
        yield from _deserved(log, place, letter, records)


def _failed_answers(log: Log, letters: dict[Position, Entry], records: dict[Position, Record]) -> Iterator[Violation]:
    """Each AnswerFailed that counts was told of a record that failed: of its question, or of what was found for it."""
    failed = {_answer_of(_fields(log, place)) for place in letters if place in records}
    for session, entries in log.counted.items():
        for entry in entries:
            if entry.marks.type == "AnswerFailed" and entry.event["answer_id"] not in failed and log.uncut(DEAD_LETTERS.name):
                yield Violation(
                    RULE, f"{session.tenant}/{session.id} {entry.event['answer_id']}", "failed, and no dead letter tells of it", (str(entry),)
                )


def _failed_documents(log: Log, letters: dict[Position, Entry]) -> Iterator[Violation]:
    """Its event's id names the place: `document@partition/offset:failed`."""
    told = tuple(f"@{place.partition}/{place.offset}:failed" for place in letters if place.topic == DOCUMENTS.name)
    for entry in log.last_values(INGESTIONS.name).values():
        if entry.event.get("type") == "DocumentFailed" and not entry.event["id"].endswith(told):
            yield Violation(RULE, entry.event["id"], "failed, and no dead letter tells of it", (str(entry),))


def _as_it_was(log: Log, place: Position, letter: Entry, records: dict[Position, Record]) -> Iterator[Violation]:
    """The record that it tells of is the one that lies there. Of what retention has cut, nothing is known."""
    record = records.get(place)
    if record is None:
        if place.topic not in _COMPACTED and place.offset >= log.kept(place.topic).starts.get(place.partition, 0):
            yield Violation(RULE, str(place), "a dead letter tells of a record that is not there", (str(letter),))
        return
    value = letter.event["original_value"]
    if (None if value is None else base64.b64decode(value)) != record.value:
        yield Violation(RULE, str(place), "a dead letter holds something else than the record", (str(letter),))


def _deserved(log: Log, place: Position, letter: Entry, records: dict[Position, Record]) -> Iterator[Violation]:
    """What it tells of did fail."""
    event = _fields(log, place) if place in records else {}
    if not event or _of_what_is_gone(log, letter, Session(str(event.get("tenant")), str(event.get("session_id"))), place):
        return
    if place.topic in _ASKING and "query_id" in event and (end := _end_of(log, event)) != "AnswerFailed" and not _taken_over(log, letter, event):
        yield Violation(RULE, str(place), f"is a dead letter, and its answer ended as {end}", (str(letter), letter.event["detail"]))
    judged = place.topic == FEEDBACK.name and (event["tenant"], event["session_id"], event.get("answer_id")) in whole_answers(log)
    if judged and not _cut_away(log, letter, event):
        yield Violation(RULE, str(place), "is a dead letter, and judges an answer that is whole", (str(letter), letter.event["detail"]))
    if place.topic == DOCUMENTS.name and not _document_failed(log, place, event):
        yield Violation(RULE, str(place), "is a dead letter, and the document was taken in", (str(letter), letter.event["detail"]))


def _of_what_is_gone(log: Log, letter: Entry, session: Session, place: Position) -> bool:
    """Whether its session had been deleted by then. One that was deleted later still does not tell any more how a question ended."""
    lost = place.topic in _ASKING and (session not in log.sessions or log.losses.made_anew(session))
    return log.losses.forgotten(session) if lost else log.losses.forgotten(session, log.at(letter.record))


def _document_failed(log: Log, place: Position, event: dict[str, Any]) -> bool:
    """Of a version that another has replaced nothing is kept: what became of it is not known."""
    written = [
        entry.record.position for entry in log.events(DOCUMENTS.name) if entry.record.key == f"{event['tenant']}/{event['document_id']}".encode()
    ]
    status = log.last_values(INGESTIONS.name).get(f"{event['tenant']}/{event['document_id']}")
    return written[-1] != place or (status is not None and status.event["type"] == "DocumentFailed")


def _taken_over(log: Log, letter: Entry, asked: dict[str, Any]) -> bool:
    """Whether another worker may have gone on with the question. The letter is written before the failure is told: whoever loses the partition in
    between leaves it behind, and the next worker, for whom nothing has ended, may well succeed, if it failed of something that passes."""
    if letter.event["error"] not in _MAY_PASS:
        return False
    answer, session = _answer_of(asked), Session(asked["tenant"], asked["session_id"])
    at = log.at(letter.record)
    moved = (fault for fault in log.run.faults if any(word in fault.kind for word in _MOVE))
    went_on = (entry for entry in log.counted.get(session, ()) if entry.event.get("answer_id") == answer)
    return any(fault.start <= at <= (fault.end or fault.start) + _MOVED_S for fault in moved) and any(
        entry.record.timestamp > letter.record.timestamp for entry in went_on
    )


def _cut_away(log: Log, letter: Entry, judging: dict[str, Any]) -> bool:
    """Whether retention had taken the judged answer from its session: what it was made of was not known any more."""
    session = Session(judging["tenant"], judging["session_id"])
    there = (entry for entry in log.counted.get(session, ()) if entry.record.timestamp <= letter.record.timestamp)
    was_cut = log.losses.first_kept(session, log.at(letter.record)) > 0
    return was_cut and judging["answer_id"] not in (entry.event["answer_id"] for entry in there if entry.marks.type in TERMINAL)


def _end_of(log: Log, asked: dict[str, Any]) -> str | None:
    session = Session(asked["tenant"], asked["session_id"])
    ends = [
        entry.marks.type for entry in log.counted.get(session, ()) if entry.marks.type in TERMINAL and entry.event["answer_id"] == _answer_of(asked)
    ]
    return ends[0] if ends else None


def _answer_of(asked: dict[str, Any]) -> str | None:
    if sibling := asked.get("sibling"):
        return str(sibling["answer_id"])
    return answer_id_of(asked["query_id"]) if "query_id" in asked else None


def _fields(log: Log, place: Position) -> dict[str, Any]:
    return next((entry.event for entry in log.events(place.topic) if entry.record.position == place), {})


def _place(letter: dict[str, Any]) -> Position:
    return Position(letter["topic"], letter["partition"], letter["offset"])
