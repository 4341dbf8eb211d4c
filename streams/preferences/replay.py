"""Replay: the judged sessions of the whole log, from `feedback` and `answers`, which are kept for ever.

`feedback` is read first; of `answers`, only those of a session that was judged are decoded. They are set aside on disk until their
session's turn comes: what is kept in memory is half a KiB for each session that was judged. Called by exports and by rebuild.py, which checks
what stands in `preferences`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import NamedTuple

from connectors.journal.base import Journal
from schemas.codec import decoded
from schemas.errors import InvalidFeedback, UnknownAnswer
from schemas.events import AnswerCompleted, Feedback, FeedbackGiven, FeedbackRetracted, PreferencePairFormed
from schemas.feedback_check import require_sound
from schemas.record import Position, Record
from schemas.topics import ANSWERS, FEEDBACK
from streams.preferences.judgements import Judgements
from streams.preferences.pairs import latest, pairs_of
from streams.replay import Advance, history
from streams.set_aside import SetAside

SessionKey = tuple[str, bytes]  #: tenant and session id


class Bounds(NamedTuple):
    """Up to where the log is read: end offsets by partition, not included. The same bounds give the same result."""

    feedback: Mapping[int, int]
    answers: Mapping[int, int]


class Judged(NamedTuple):
    """One session's answers and the feedback on them, and where the records lie."""

    answers: dict[str, AnswerCompleted]  #: by answer id
    feedback: tuple[Feedback, ...]  #: what of it is sound
    positions: Mapping[str, Position]  #: by event id, of the first record that holds it

    def pairs(self, implicit_weight: float = 0.0) -> dict[str, PreferencePairFormed]:
        return pairs_of(self.answers, Judgements(self.feedback), implicit_weight=implicit_weight)


async def bounds_now(journal: Journal) -> Bounds:
    """Everything that is there by now. Feedback first: an answer that was judged before then is there, too."""
    return Bounds(await journal.ends(FEEDBACK), await journal.ends(ANSWERS))


async def judged_sessions(journal: Journal, bounds: Bounds, advance: Advance = lambda _: None) -> AsyncGenerator[Judged, None]:
    """All sessions with feedback, in order of tenant and session id. Records that cannot be read are passed over. Raises LogUnavailable."""
    sessions = _Sessions()
    async for records in history(journal, FEEDBACK, bounds.feedback, advance=advance):
        for record in records:
            sessions.take_feedback(record)
    async for records in history(journal, ANSWERS, bounds.answers, advance=advance):
        for record in records:
            sessions.take_answer(record)
    for judged in sessions:
        yield judged


async def replayed_pairs(journal: Journal, bounds: Bounds, *, implicit_weight: float = 0.0) -> dict[str, PreferencePairFormed]:
    """What `preferences` holds, if everybody has done their part."""
    pairs: dict[str, PreferencePairFormed] = {}
    async for judged in judged_sessions(journal, bounds):
        pairs |= judged.pairs(implicit_weight)
    return pairs


class _Sessions:
    """The judged sessions as they are read: of each, where its records are set aside."""

    def __init__(self) -> None:
        self._places: dict[SessionKey, list[int]] = {}  #: in the order that they were read in
        self._aside = SetAside[Record]()

    def take_feedback(self, record: Record) -> None:
        event = decoded(record)
        if isinstance(event, FeedbackGiven | FeedbackRetracted):
            self._keep(self._places.setdefault((sys.intern(event.tenant), event.session_id.encode()), []), record)

    def take_answer(self, record: Record) -> None:
        """By its header and key it is known whether somebody has judged it: most are not decoded."""
        places = self._places.get((record.header("tenant") or "", record.key or b""))
        if places is not None:
            self._keep(places, record)

    def __iter__(self) -> Iterator[Judged]:
        for key in sorted(self._places):
            yield _judged([self._aside.read(place) for place in self._places[key]])

    def _keep(self, places: list[int], record: Record) -> None:
        places.append(self._aside.keep(record._replace(headers=())))


def _judged(records: Sequence[Record]) -> Judged:
    """One session, of its records in both topics."""
    feedback, found, positions = list[Feedback](), list[AnswerCompleted](), dict[str, Position]()
    for record in records:
        event = decoded(record)
        if record.topic == FEEDBACK.name and isinstance(event, FeedbackGiven | FeedbackRetracted):
            feedback.append(event)
        elif record.topic == ANSWERS.name and isinstance(event, AnswerCompleted):
            found.append(event)
        else:
            continue
        positions.setdefault(event.id, record.position)
    answers = latest(found)
    return Judged(answers, tuple(event for event in feedback if _counts(event, answers)), positions)


def _counts(event: Feedback, answers: Mapping[str, AnswerCompleted]) -> bool:
    """What the live step has put into the dead letters does not; nor what is about an answer that never became whole: no pair rests on it."""
    try:
        require_sound(event, answers)
    except (InvalidFeedback, UnknownAnswer):
        return False
    return True
