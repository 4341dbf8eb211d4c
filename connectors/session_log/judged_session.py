"""Judged session: a session's answers and the feedback on them, folded from its log. For those who take feedback, and those who make pairs of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.session_log.base import SessionLog, SessionRecord
from schemas.attempts import AttemptFilter, Marks
from schemas.codec import decoded
from schemas.cursor import Cursor
from schemas.events import TERMINAL, AnswerCompleted, Feedback, FeedbackGiven, FeedbackRetracted, QueryAsked, QueryCancelled, answer_id_of
from schemas.session_id import Session

_DECODED = frozenset(event.__name__ for event in (AnswerCompleted, FeedbackGiven, FeedbackRetracted))


class JudgedSession(NamedTuple):
    """What counts of its records."""

    answers: Mapping[str, AnswerCompleted]  #: those that are whole, by answer id
    feedback: tuple[Feedback, ...]
    queries: Mapping[str, str]  #: by the id of each answer that was asked for or begun, its question's; in that order
    ended: frozenset[str] = frozenset()  #: ids of the answers that have ended, well or not

    @property
    def under_way(self) -> frozenset[str]:
        """Answers that are still to come."""
        return frozenset(self.queries) - self.ended

    @property
    def failed(self) -> frozenset[str]:
        """Answers that ended otherwise than whole."""
        return self.ended - self.answers.keys()


async def judged_session(session_log: SessionLog, session: Session, after: Cursor | None = None) -> JudgedSession:
    """The fold of its history, from a cursor on if there is one; only what is needed is decoded. Raises UnknownSession, LogUnavailable."""
    counts, answers, feedback = AttemptFilter(), dict[str, AnswerCompleted](), list[Feedback]()
    queries, ended = dict[str, str](), set[str]()
    async for record in session_log.history(session, after, tokens=False):
        if not isinstance(record, SessionRecord) or not counts.admits(record.marks):
            continue
        if (answer_id := _answer_of(record.marks)) is not None:
            queries.setdefault(answer_id, record.marks.correlation)
            ended |= {answer_id} if record.marks.type in TERMINAL else set()
        event = decoded(record.record) if record.marks.type in _DECODED else None
        if isinstance(event, AnswerCompleted):
            answers[event.answer_id] = event
        elif isinstance(event, FeedbackGiven | FeedbackRetracted):
            feedback.append(event)
    return JudgedSession(answers, tuple(feedback), queries, frozenset(ended))


def _answer_of(marks: Marks) -> str | None:
    """The answer that a record is of, or asks for; one that a cancellation names there may be none of."""
    if marks.answer is not None and marks.type != QueryCancelled.__name__:
        return marks.answer.decode("utf-8", "replace")
    return answer_id_of(marks.correlation) if marks.type == QueryAsked.__name__ else None
