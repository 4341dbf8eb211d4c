"""Replay: the judged sessions of the whole log, from `feedback` and `answers`, which are kept for ever.

`feedback` is read first; of `answers`, only those of a session that was judged are decoded. So what is kept in memory grows with the judgements,
not with the log. Called by exports and by rebuild.py, which checks what stands in `preferences`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
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
    """The judged sessions as they are read."""

    def __init__(self) -> None:
        self._feedback: dict[SessionKey, list[Feedback]] = {}
        self._answers: dict[SessionKey, list[AnswerCompleted]] = {}
        self._positions: dict[SessionKey, dict[str, Position]] = {}

    def take_feedback(self, record: Record) -> None:
        event = decoded(record)
        if isinstance(event, FeedbackGiven | FeedbackRetracted):
            key = (event.tenant, event.session_id.encode())
            self._feedback.setdefault(key, []).append(event)
            self._positions.setdefault(key, {}).setdefault(event.id, record.position)

    def take_answer(self, record: Record) -> None:
        """By its header and key it is known whether somebody has judged it: most are not decoded."""
        key = (record.header("tenant") or "", record.key or b"")
        event = decoded(record) if key in self._feedback else None
        if isinstance(event, AnswerCompleted):
            self._answers.setdefault(key, []).append(event)
            self._positions[key].setdefault(event.id, record.position)

    def __iter__(self) -> Iterator[Judged]:
        for key in sorted(self._feedback):
            answers = latest(self._answers.get(key, ()))
            yield Judged(answers, tuple(event for event in self._feedback[key] if _counts(event, answers)), self._positions[key])


def _counts(event: Feedback, answers: Mapping[str, AnswerCompleted]) -> bool:
    """What the live step has put into the dead letters does not; nor what is about an answer that never became whole: no pair rests on it."""
    try:
        require_sound(event, answers)
    except (InvalidFeedback, UnknownAnswer):
        return False
    return True
