"""Relays: what `queries` and `feedback` hold of a session lies in the session, too, in the same words, or a dead letter tells why not. What readers
are shown is held against the session's log: what never came there, they could not miss.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from schemas.record import Position
from schemas.session_id import Session
from schemas.topics import DEAD_LETTERS, FEEDBACK, QUERIES
from tests.robustness.log import Entry, Log
from tests.robustness.validators.violation import Violation

RULE = "relays"
_Fact = tuple[Session, bytes]


def violations(log: Log) -> Iterator[Violation]:
    there = {_fact(entry) for one in log.sessions.values() for entry in one.entries}
    asked = [entry for topic in (QUERIES, FEEDBACK) for entry in log.events(topic.name)]
    known = there | _failed(log, asked)
    for entry in asked:
        if _fact(entry) not in known and not _excused(log, entry):
            yield Violation(RULE, str(entry), f"never came to the session {_session(entry).id}")


def _failed(log: Log, asked: list[Entry]) -> set[_Fact]:
    """Facts that a dead letter tells of, whichever of a fact's records it holds: what follows one that failed, finds it ended."""
    letters = (letter.event for letter in log.events(DEAD_LETTERS.name))
    places = {Position(letter["topic"], letter["partition"], letter["offset"]) for letter in letters}
    return {_fact(entry) for entry in asked if entry.record.position in places}


def _excused(log: Log, entry: Entry) -> bool:
    """It is under way, its session is deleted, retention may have cut it there, or the letter that told of it."""
    at, session = log.at(entry.record), _session(entry)
    under_way = not log.run.settled or at >= log.run.quiet_at
    return under_way or log.losses.forgotten(session) or log.losses.may_lack(session, at) or not log.uncut(DEAD_LETTERS.name)


def _fact(entry: Entry) -> _Fact:
    """The same fact may be written several times, at other times."""
    words = {name: value for name, value in entry.event.items() if name != "time"}
    return _session(entry), orjson.dumps(words, option=orjson.OPT_SORT_KEYS)


def _session(entry: Entry) -> Session:
    return Session(str(entry.event.get("tenant")), str(entry.event.get("session_id")))
