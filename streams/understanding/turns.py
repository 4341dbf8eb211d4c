"""Turns: the last questions of a session and what came of them, read from its log for a question that leans on them.

Only what lies before the question itself counts: read again after it was redelivered, the log yields the same turns, and so the same
understanding, whatever was asked and answered since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connectors.session_log.base import SessionLog, SessionRecord
from schemas.codec import decode
from schemas.errors import UnknownSession
from schemas.events import AnswerCompleted, ChunksRetrieved, Citation, Event, QueryAsked
from schemas.session_id import Session
from streams.understanding.cleaning import cleaned
from streams.understanding.intent import shortcut_of

_MOST_TURNS = 4  # greetings among them
#: How far back is read, in offsets: an answer of 300 tokens takes some 100. If no turn is in the first stretch, as in a lane where many
#: other sessions' records lie in between, or behind a long answer, it is the second.
_STRETCHES = (1_000, 20_000)
_TOLD = frozenset({"QueryAsked", "ChunksRetrieved", "AnswerCompleted"})


class Turn(NamedTuple):
    """A question before, as far as its records were there when the next one came."""

    query_id: str
    text: str  #: as it was understood
    answer: str = ""
    citations: tuple[Citation, ...] = ()


async def turns_before(session_log: SessionLog, session: Session, query_id: str, asked_at: int) -> tuple[Turn, ...]:
    """The turns before the session's QueryAsked at that offset, oldest first; greetings and the like are no turns."""
    shorter = 0
    for stretch in _STRETCHES:
        if asked_at > shorter and (turns := await _turns_within(session_log, session, query_id, asked_at, stretch)):
            return turns
        shorter = stretch
    return ()


async def _turns_within(session_log: SessionLog, session: Session, query_id: str, asked_at: int, stretch: int) -> tuple[Turn, ...]:
    try:
        start = (await session_log.end(session))._replace(offset=max(0, asked_at - stretch))
        records = [record async for record in session_log.history(session, start) if isinstance(record, SessionRecord)]
    except UnknownSession:  # forgotten since
        return ()
    told = [record for record in records if record.record.offset < asked_at and record.marks.type in _TOLD and record.marks.correlation != query_id]
    last = list(dict.fromkeys(record.marks.correlation for record in told))[-_MOST_TURNS:]  # decoding is what costs
    return turns_of([decode(record.record) for record in told if record.marks.correlation in last])


def turns_of(events: Sequence[Event]) -> tuple[Turn, ...]:
    """The fold of a session's events."""
    turns: dict[str, Turn] = {}
    for event in events:
        match event:
            case QueryAsked():
                turns.setdefault(event.query_id, Turn(event.query_id, cleaned(event.text)))
            case ChunksRetrieved():
                turn = turns.get(event.query_id, Turn(event.query_id, ""))
                turns[event.query_id] = turn._replace(text=event.understanding.text)
            case AnswerCompleted() if event.query_id in turns:
                turns[event.query_id] = turns[event.query_id]._replace(answer=event.text, citations=event.citations)
    return tuple(turn for turn in turns.values() if shortcut_of(turn.text) is None)
