"""Breaking: a history with one thing in it changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from schemas.record import Record
from schemas.session_id import Session
from tests.robustness.history import Connection, Fault, Frame, History, Operation, Outcome
from tests.robustness.log import Log
from tests.robustness.validators.rules import VALIDATORS
from tests.unit.robustness.story import place_of

Chosen = Callable[[dict[str, Any]], bool]


def found_by(rule: str, history: History) -> list[str]:
    """What this rule's validator says of the history."""
    return [violation.what for violation in VALIDATORS[rule](Log(history))]


def is_of(**fields: Any) -> Chosen:
    """Events that have these fields."""
    return lambda event: all(event.get(name) == value for name, value in fields.items())


def fields_of(record: Record) -> dict[str, Any]:
    return dict(orjson.loads(record.value or b"{}"))


def with_topic(history: History, topic: str, records: Sequence[Record]) -> History:
    return history._replace(topics={**history.topics, topic: tuple(records)})


def written_at(history: History, topic: str, second: float) -> History:
    """The topic's records were written so long after the run had begun."""
    timestamp = int((datetime.fromisoformat(history.run.began).timestamp() + second) * 1_000)
    return with_topic(history, topic, [record._replace(timestamp=timestamp) for record in history.topics[topic]])


def without(history: History, topic: str, chosen: Chosen) -> History:
    """The topic lacks the records of these events; the others lie where they lay."""
    kept = [record for record in history.topics[topic] if not chosen(fields_of(record))]
    assert len(kept) < len(history.topics[topic])
    return with_topic(history, topic, kept)


def altered(history: History, topic: str, chosen: Chosen, **changed: Any) -> History:
    """The records of these events say something else."""
    return with_topic(history, topic, [_altered(record, changed) if chosen(fields_of(record)) else record for record in history.topics[topic]])


def _altered(record: Record, changed: dict[str, Any]) -> Record:
    return record._replace(value=orjson.dumps(fields_of(record) | changed))


def also(history: History, topic: str, chosen: Chosen, headers: dict[str, bytes] | None = None, /, **changed: Any) -> History:
    """Behind all, the first record of these events once more, with something changed."""
    records = history.topics[topic]
    again = next(record for record in records if chosen(fields_of(record)))
    told = tuple((name, (headers or {}).get(name, value)) for name, value in again.headers)
    return with_topic(history, topic, [*records, _altered(again, changed)._replace(offset=records[-1].offset + 1, headers=told)])


def exchanged(history: History, topic: str, one: Chosen, other: Chosen) -> History:
    """Two records lie in each other's place."""
    records = list(history.topics[topic])
    first, second = (next(number for number, record in enumerate(records) if chosen(fields_of(record))) for chosen in (one, other))
    places = records[first].offset, records[second].offset
    records[first], records[second] = records[second]._replace(offset=places[0]), records[first]._replace(offset=places[1])
    return with_topic(history, topic, records)


def own(session: Session) -> str:
    return place_of(session)


def with_frames(history: History, reader: str, change: Callable[[list[Frame]], list[Frame]]) -> History:
    """A reader was shown something else: over all its connections, which it begins and ends as before."""
    return history._replace(connections=tuple(_reshown(one, change) if one.reader == reader else one for one in history.connections))


def _reshown(one: Connection, change: Callable[[list[Frame]], list[Frame]]) -> Connection:
    return one._replace(frames=tuple(change(list(one.frames))))


def with_operations(history: History, change: Callable[[Operation], Operation | None]) -> History:
    """Clients did, or were told, something else; None: nothing."""
    return history._replace(operations=tuple(changed for one in history.operations if (changed := change(one)) is not None))


def found_otherwise(history: History, **changed: Any) -> History:
    """At the end something else was found."""
    return history._replace(run=history.run._replace(found=history.run.found._replace(**changed)))


def cut(history: History, topic: str, offset: int) -> History:
    """Retention has taken what lies below an offset."""
    kept = history.run.topics[topic]._replace(starts={0: offset})
    run = history.run._replace(topics={**history.run.topics, topic: kept})
    return with_topic(history._replace(run=run), topic, [record for record in history.topics[topic] if record.offset >= offset])


def settled_at(history: History, second: float, *, settled: bool = True) -> History:
    """All had come to rest then, or had not in time; the topics were read 10 s later."""
    return history._replace(run=history.run._replace(settled=settled, quiet_at=second, ended_at=second + 10))


def with_faults(history: History, *faults: Fault) -> History:
    return history._replace(run=history.run._replace(faults=faults))


def cut_at(session: Session, second: float, before: int | None) -> Fault:
    """Retention cuts a session, for a second; null: nobody knows whether it did."""
    return Fault("cut-retention", "session", second, second + 1, {"tenant": session.tenant, "session": session.id, "before": before})


def deleted(history: History, session: Session, second: float, outcome: Outcome = "ok") -> History:
    """Somebody deletes the session, whatever becomes of that: its records are still there."""
    forget = history.operations[0]._replace(
        kind="forget", tenant=session.tenant, start=second, end=second + 1, request={"session": session.id}, outcome=outcome, response={}
    )
    return history._replace(operations=(*history.operations, forget))


def gone(history: History, topic: str) -> History:
    """The topic is there no more."""
    topics = {name: records for name, records in history.topics.items() if name != topic}
    kept = {name: one for name, one in history.run.topics.items() if name != topic}
    return history._replace(topics=topics, run=history.run._replace(topics=kept))
