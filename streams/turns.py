"""Turns: the last questions of a session and what came of them, read from its log: for a question that leans on them, and for a model that
is told of them.

Of several answers to a question the one counts that was said to be better than another, last; if nobody has compared them, the one that was
whole last. Only what lies before the question itself counts: read again after it was redelivered, by whichever worker, the log yields the same turns,
and so the same understanding and the same prompt, whatever was asked and answered since. A worker keeps what it has read of its last
sessions, and reads only what is new; what it keeps tells no more than the log would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog
from cachetools import LRUCache

from connectors.session_log.base import Gap, SessionLog, SessionRecord
from schemas.attempts import AttemptFilter, Marks
from schemas.codec import decode
from schemas.cursor import Cursor
from schemas.errors import UnknownSession, UnreadableRecord
from schemas.events import TERMINAL, AnswerCompleted, ChunksRetrieved, Citation, Event, FeedbackGiven, FeedbackRetracted, QueryAsked
from schemas.session_id import Session
from schemas.settings import Placement
from streams.understanding.cleaning import cleaned
from streams.understanding.intent import shortcut_of

#: How far back is read, in offsets: an answer of 300 tokens takes some 100. A question that leans on another looks near first, and farther
#: if no turn is there, as behind a long answer. In a lane many other sessions' records lie in between.
NEAR = 1_000
_FAR: dict[Placement, int] = {"topic": 20_000, "lane": 100_000}
MOST_TURNS = 60  # greetings among them: decoding is what costs
_RECORDS = 20_000  # that a worker keeps, of all sessions: three or four a turn, some 2 KiB each
_CHOOSING = frozenset({"FeedbackGiven", "FeedbackRetracted"})
_SAYING = frozenset({"QueryAsked", "ChunksRetrieved", "AnswerCompleted", *_CHOOSING})
_TOLD = frozenset({*_SAYING, "GenerationStarted", *TERMINAL})

log = structlog.get_logger(__name__)


def far(session: Session) -> int:
    """How far back the turns of a session are looked for at most."""
    return _FAR[session.placement]


def _reach(session: Session) -> tuple[int, ...]:
    """In a lane the records between are not read: to look near first would only be another way to the broker."""
    return (far(session),) if session.placement == "lane" else (NEAR, far(session))


class Turn(NamedTuple):
    """A question before, as far as its records were there when the next one came."""

    query_id: str
    text: str  #: as it was understood
    answer: str = ""
    citations: tuple[Citation, ...] = ()
    withheld: bool = False  #: the answer was refused, or a moderator found fault with it


class _Choice(NamedTuple):
    """Somebody has said which of two answers is better, under a feedback id of his own; None: has taken it back, or said something else."""

    by: tuple[str, str]
    answer: bytes | None


class _Told(NamedTuple):
    """A record, and what it tells of its turn."""

    offset: int
    marks: Marks
    turn: Turn
    choice: _Choice | None = None


class _Kept(NamedTuple):
    """What is known of a session's records from `begin` up to `end`."""

    log: Cursor
    begin: int
    end: int
    told: tuple[_Told, ...] = ()


class Turns:
    """The turns of sessions."""

    def __init__(self, session_log: SessionLog) -> None:
        self._session_log = session_log
        self._kept: LRUCache[Session, _Kept] = LRUCache(_RECORDS, lambda kept: 1 + len(kept.told))

    async def before(self, session: Session, query_id: str, asked_at: int, *, reach: Sequence[int] | None = None) -> tuple[Turn, ...]:
        """The turns before the session's QueryAsked at that offset, oldest first; greetings and the like are no turns. Of each reach the
        next one counts only if there is none within it."""
        shorter = 0
        for stretch in reach or _reach(session):
            if asked_at > shorter and (turns := await self._within(session, query_id, asked_at, stretch)):
                return turns
            shorter = stretch
        return ()

    async def _within(self, session: Session, query_id: str, asked_at: int, stretch: int) -> tuple[Turn, ...]:
        begin = max(0, asked_at - stretch)
        try:
            told = await self._read(session, begin, asked_at)
        except UnknownSession:  # forgotten since
            self._kept.pop(session, None)
            return ()
        return turns_of(_of_last_turns([one for one in told if one.offset >= begin and one.turn.query_id != query_id]))

    async def _read(self, session: Session, begin: int, end: int) -> Sequence[_Told]:
        """What is told up to `end`, of records from `begin` on, or from before it."""
        kept = self._kept.get(session)
        if kept is None or not kept.begin <= begin <= kept.end <= end:
            first = await self._session_log.beginning(session)
            kept = _Kept(first, *((0, first.offset) if first.offset >= begin else (begin, begin)))
        if kept.end < end:
            kept = await self._read_on(session, kept, end)
        latest = self._kept.get(session)  # another question of the session may have been read for meanwhile
        if latest is None or latest.end <= end:
            self._kept[session] = kept._replace(told=tuple(_of_last_turns(kept.told)))
        return kept.told

    async def _read_on(self, session: Session, kept: _Kept, end: int) -> _Kept:
        """The same, and what was written since. What retention has cut out counts no more, wherever it was read before."""
        records = []
        async for record in self._session_log.history(session, kept.log._replace(offset=kept.end), tokens=False):
            if isinstance(record, Gap):
                kept = kept._replace(log=record.resumes, told=())
            elif record.record.offset < end and record.marks.type in _TOLD:
                records.append(record)
        last = list(dict.fromkeys(record.marks.correlation for record in records))[-MOST_TURNS:]
        return kept._replace(end=end, told=(*kept.told, *filter(None, map(_told, (one for one in records if one.marks.correlation in last)))))


def turns_of(told: Sequence[_Told]) -> tuple[Turn, ...]:
    """The fold of a session's records: of an answer's attempts the one that counts, of several answers the one that was chosen, or came last."""
    turns, answers, counts = dict[str, Turn](), dict[tuple[str, bytes | None], Turn](), AttemptFilter()
    for _, marks, part, _ in told:
        known = turns.get(part.query_id)
        if not counts.admits(marks):
            continue
        if marks.type == "ChunksRetrieved" or (marks.type == "QueryAsked" and known is None):
            turns[part.query_id] = (known or part)._replace(text=part.text)
        elif marks.type == "AnswerCompleted" and known is not None:
            turns[part.query_id] = answers[part.query_id, marks.answer] = part._replace(text=known.text)
    for query_id, chosen in _chosen(told).items():
        turns |= {query_id: answers[query_id, chosen]} if (query_id, chosen) in answers else {}
    return tuple(turn for turn in turns.values() if shortcut_of(turn.text) is None)


def _chosen(told: Sequence[_Told]) -> dict[str, bytes]:
    """By query, the answer that was last said to be better than another, and that nobody has taken back."""
    choices: dict[tuple[str, str], tuple[str, bytes]] = {}
    for one in told:
        if one.choice is not None:
            choices.pop(one.choice.by, None)
            if one.choice.answer is not None:
                choices[one.choice.by] = one.turn.query_id, one.choice.answer
    return dict(choices.values())


def _of_last_turns(told: Sequence[_Told]) -> list[_Told]:
    last = list(dict.fromkeys(one.turn.query_id for one in told))[-MOST_TURNS:]
    return [one for one in told if one.turn.query_id in last]


def _told(record: SessionRecord) -> _Told | None:
    marks, turn, choice = record.marks, Turn(record.marks.correlation, ""), None
    if marks.type == "ChunksRetrieved" and marks.answer is not None:  # for another answer: its question stands where it was asked
        return None
    try:
        if marks.type in _SAYING:
            event = decode(record.record)
            turn, choice = _turn(event), _choice(event)
    except UnreadableRecord as error:  # a foreign record must not end the conversation
        log.warning("record of a session is passed over", position=str(record.record.position), error=str(error))
        return None
    return _Told(record.record.offset, marks, turn, choice)


def _choice(event: Event) -> _Choice | None:
    match event:
        case FeedbackGiven():
            return _Choice((event.given_by, event.feedback_id), event.answer_id.encode() if event.better_than else None)
        case FeedbackRetracted():
            return _Choice((event.retracted_by, event.feedback_id), None)
    return None


def _turn(event: Event) -> Turn:
    match event:
        case QueryAsked():
            return Turn(event.query_id, cleaned(event.text))
        case ChunksRetrieved():
            return Turn(event.query_id, event.understanding.text)
        case AnswerCompleted():
            withheld = event.refused is not None or bool(event.flagged)
            return Turn(event.query_id, event.question, event.text, event.citations, withheld)
    return Turn(event.correlation, "")
