"""Judged session: a session's answers and the feedback on them, folded from its log. For those who take feedback, and those who make pairs of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from connectors.session_log.base import SessionLog, SessionRecord
from schemas.attempts import AttemptFilter, Marks
from schemas.codec import decoded
from schemas.cursor import Cursor
from schemas.events import TERMINAL, AnswerCompleted, Feedback, FeedbackGiven, FeedbackRetracted, QueryAsked, QueryCancelled, answer_id_of
from schemas.session_id import Session, made_ms

_DECODED = frozenset(event.__name__ for event in (AnswerCompleted, FeedbackGiven, FeedbackRetracted))


class JudgedSession(NamedTuple):
    """What counts of its records."""

    answers: Mapping[str, AnswerCompleted]  #: those that are whole, by answer id
    feedback: tuple[Feedback, ...]
    queries: Mapping[str, str]  #: by the id of each answer that was asked for or begun, its question's; in that order
    ended: frozenset[str] = frozenset()  #: ids of the answers that have ended, well or not
    asked: frozenset[str] = frozenset()  #: ids of the questions that were seen to be asked

    @property
    def under_way(self) -> frozenset[str]:
        """Answers that are still to come."""
        return frozenset(self.queries) - self.ended

    def said_under(self, feedback_id: str) -> set[str]:
        """The answers that were judged under an id."""
        given = (each for each in self.feedback if isinstance(each, FeedbackGiven) and each.feedback_id == feedback_id)
        return {answer for each in given for answer in (each.answer_id, each.better_than) if answer is not None}

    def knows(self, answers: Iterable[str]) -> bool:
        """Whether all of them were seen from their question on."""
        return all(self.queries.get(answer) in self.asked for answer in answers)

    @property
    def failed(self) -> frozenset[str]:
        """Answers that ended otherwise than whole."""
        return self.ended - self.answers.keys()


async def judged_session(session_log: SessionLog, session: Session, after: Cursor | None = None) -> JudgedSession:
    """The fold of its history, from a cursor on if there is one; only what is needed is decoded. Raises UnknownSession, LogUnavailable."""
    counts, answers, feedback = AttemptFilter(), dict[str, AnswerCompleted](), list[Feedback]()
    queries, ended, asked = dict[str, str](), set[str](), set[str]()
    async for record in session_log.history(session, after):
        if not isinstance(record, SessionRecord) or not counts.admits(record.marks):
            continue
        if (answer_id := _answer_of(record.marks)) is not None:
            queries.setdefault(answer_id, record.marks.correlation)
            ended |= {answer_id} if record.marks.type in TERMINAL else set()
        if record.marks.type == QueryAsked.__name__:
            asked.add(record.marks.correlation)
        event = decoded(record.record) if record.marks.type in _DECODED else None
        if isinstance(event, AnswerCompleted):
            answers[event.answer_id] = event
        elif isinstance(event, FeedbackGiven | FeedbackRetracted):
            feedback.append(event)
    return JudgedSession(answers, tuple(feedback), queries, frozenset(ended), frozenset(asked))


async def judged_since_asked(session_log: SessionLog, session: Session, query_id: str, feedback_id: str, answers: Set[str]) -> JudgedSession:
    """What a judgement of these answers to a question has to know of their session: it, from the question on, or from the first use of the feedback's
    id if that was before. Ids of ours tell when that was. In a lane, what all its sessions have written since then is read, so not the
    whole one, unless it has to be: the ids are somebody else's, or the id has judged an answer that lies farther back."""
    times = [made_ms(query_id), made_ms(feedback_id)]
    if None not in times:
        since = await session_log.since(session, min(time for time in times if time is not None))
        judged = await judged_session(session_log, session, since)
        if judged.knows(answers | judged.said_under(feedback_id)):
            return judged
    return await judged_session(session_log, session)


def _answer_of(marks: Marks) -> str | None:
    """The answer that a record is of, or asks for; one that a cancellation names there may be none of."""
    if marks.answer is not None and marks.type != QueryCancelled.__name__:
        return marks.answer.decode("utf-8", "replace")
    return answer_id_of(marks.correlation) if marks.type == QueryAsked.__name__ else None
