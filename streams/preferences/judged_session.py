"""Judged session: one session's answers and the feedback on them, folded from its log."""

from __future__ import annotations

from typing import NamedTuple

from connectors.session_log.base import SessionLog, SessionRecord
from schemas.attempts import AttemptFilter
from schemas.codec import decode
from schemas.events import TERMINAL, AnswerCompleted, FeedbackGiven, FeedbackRetracted
from schemas.session_id import Session
from streams.preferences.judgements import Feedback

_FEEDBACK = frozenset({FeedbackGiven.__name__, FeedbackRetracted.__name__})


class JudgedSession(NamedTuple):
    """What counts of its records."""

    answers: dict[str, AnswerCompleted]  #: by answer id
    feedback: tuple[Feedback, ...]
    begun: frozenset[str] = frozenset()  #: ids of all answers that were begun
    ended: frozenset[str] = frozenset()  #: and of those that have ended, well or not

    @property
    def open(self) -> frozenset[str]:
        """Answers that are being made."""
        return self.begun - self.ended


async def judged_session(session_log: SessionLog, session: Session) -> JudgedSession:
    """The fold of its history; only what is needed is decoded. Raises UnknownSession, LogUnavailable."""
    counts, answers, feedback = AttemptFilter(), dict[str, AnswerCompleted](), list[Feedback]()
    begun, ended = set[str](), set[str]()
    async for record in session_log.history(session):
        if not isinstance(record, SessionRecord) or not counts.admits(record.marks):
            continue
        if record.marks.answer is not None:
            answer_id = record.marks.answer.decode("utf-8", "replace")
            begun.add(answer_id)
            ended |= {answer_id} if record.marks.type in TERMINAL else set()
        if record.marks.type == AnswerCompleted.__name__ or record.marks.type in _FEEDBACK:
            event = decode(record.record)
            if isinstance(event, AnswerCompleted):
                answers[event.answer_id] = event
            elif isinstance(event, FeedbackGiven | FeedbackRetracted):
                feedback.append(event)
    return JudgedSession(answers, tuple(feedback), frozenset(begun), frozenset(ended))
