"""Log: a history as validators look at it: events of topics, sessions with what of them counts. Pure, and each thing is computed once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from schemas.attempts import AttemptFilter, Marks
from schemas.record import Record
from schemas.session_id import Session
from schemas.topics import SESSION_TOPIC_PREFIX, SESSIONS
from tests.robustness.history import History, Kept, Operation
from tests.robustness.losses import Losses

_NOTHING_KEPT = Kept(str(UUID(int=0)), {}, {})


class Entry(NamedTuple):
    """A record, with what its headers say and what its value holds; {} where that is no JSON object."""

    record: Record
    marks: Marks
    event: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.record.position} {self.marks.type} {self.event.get('id', '')}"


class SessionLog(NamedTuple):
    """All kept records of one session, in order."""

    session: Session
    epoch: UUID
    start: int  #: records below this offset are gone, whatever they were
    entries: tuple[Entry, ...]

    @property
    def whole(self) -> bool:
        """Nothing of it can be gone."""
        return self.start == 0

    @property
    def counted(self) -> tuple[Entry, ...]:
        """Those that count, for who reads from the beginning."""
        counts = AttemptFilter(whole=self.whole)
        return tuple(entry for entry in self.entries if counts.admits(entry.marks))


class Log:
    """Of one history. Nothing is changed once it is made."""

    def __init__(self, history: History) -> None:
        self.history, self.run = history, history.run
        self._began = datetime.fromisoformat(history.run.began).timestamp()
        self._events: dict[str, tuple[Entry, ...]] = {}

    def events(self, topic: str, *types: str) -> tuple[Entry, ...]:
        """A topic's records, by partition and offset; of these types, or all."""
        if topic not in self._events:
            records = sorted(self.history.topics.get(topic, ()), key=lambda record: (record.partition, record.offset))
            self._events[topic] = tuple(map(_entry, records))
        return tuple(entry for entry in self._events[topic] if not types or entry.event.get("type") in types)

    def last_values(self, topic: str) -> dict[str, Entry]:
        """By key, what compaction leaves of a topic."""
        last = {(entry.record.key or b"").decode("utf-8", "replace"): entry for entry in self.events(topic)}
        return {key: entry for key, entry in last.items() if entry.record.value is not None}

    def operations(self, *kinds: str, outcome: str | None = None) -> tuple[Operation, ...]:
        """In the order in which they began."""
        wanted = (one for one in self.history.operations if one.kind in kinds and outcome in (None, one.outcome))
        return tuple(sorted(wanted, key=lambda one: one.start))

    def at(self, record: Record) -> float:
        """When it was written, in seconds from the run's beginning. It is right also of a process whose clock is set: see clocked.py."""
        return record.timestamp / 1_000 - self._began

    def kept(self, topic: str) -> Kept:
        return self.run.topics.get(topic, _NOTHING_KEPT)

    def uncut(self, topic: str) -> bool:
        """Whether retention has taken nothing of the topic."""
        return not any(self.kept(topic).starts.values())

    @cached_property
    def sessions(self) -> dict[Session, SessionLog]:
        """Those that have records."""
        places = [name for name in self.history.topics if name == SESSIONS.name or name.startswith(SESSION_TOPIC_PREFIX)]
        found: dict[Session, list[Entry]] = {}
        for entry in (entry for topic in places for entry in self.events(topic)):
            found.setdefault(_session_of(entry), []).append(entry)
        return {session: self._session_log(session, entries) for session, entries in found.items()}

    @cached_property
    def counted(self) -> dict[Session, tuple[Entry, ...]]:
        return {session: log.counted for session, log in self.sessions.items()}

    @cached_property
    def losses(self) -> Losses:
        """What may be gone of sessions."""
        return Losses(self)

    def _session_log(self, session: Session, entries: list[Entry]) -> SessionLog:
        place = entries[0].record
        kept = self.kept(place.topic)
        return SessionLog(session, UUID(kept.epoch), kept.starts.get(place.partition, 0), tuple(entries))


def by_answer(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The records of each answer, in order."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if "attempt" in entry.event:
            found.setdefault(entry.event["answer_id"], []).append(entry)
    return found


def _entry(record: Record) -> Entry:
    return Entry(record, Marks.of(record.headers), _fields(record.value))


def _fields(value: bytes | None) -> dict[str, Any]:
    try:
        fields = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _session_of(entry: Entry) -> Session:
    """By the record's headers and key, as the product tells sessions apart in a lane."""
    return Session(entry.record.header("tenant") or "", (entry.record.key or b"").decode("utf-8", "replace"))
