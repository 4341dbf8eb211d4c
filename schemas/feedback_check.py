"""Feedback check: what the schema of a judgement cannot say, looked up in the answers of its session. Pure.

The API asks it before it writes, the step of `feedback` before it puts a record into the session, and a replay before it counts one: so all
three take the same feedback, and what came onto the topic past the API is a dead letter. Insights, which keep of an answer no more than a row,
look up the same in that (streams/insights/session_fold.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from schemas.answer_events import AnswerCompleted
from schemas.errors import InvalidFeedback, UnknownAnswer
from schemas.feedback_events import Feedback, FeedbackGiven

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_ABOUT_ANSWERS = ("correction", "better_than")


def require_sound(event: Feedback, answers: Mapping[str, AnswerCompleted], *, under_way: Collection[str] = (), failed: Collection[str] = ()) -> None:
    """`answers`: the session's that are whole; `under_way`, `failed`: ids of its others. Raises UnknownAnswer, InvalidFeedback."""
    if not _TIME.fullmatch(event.time):
        raise InvalidFeedback(f"The time {event.time} is not RFC 3339 in UTC with milliseconds, by which judgements are put in order.")
    if isinstance(event, FeedbackGiven):
        if event.answer_id not in {*answers, *under_way, *failed}:
            raise UnknownAnswer(f"The session {event.session_id} has no answer {event.answer_id}.")
        _require_shown(event)
        answer = answers.get(event.answer_id)
        if answer is not None:
            _require_fits(event, answer)
        if event.better_than is not None and event.better_than not in under_way:
            _require_comparable(event, answers.get(event.better_than))


def _require_shown(event: FeedbackGiven) -> None:
    if event.chunk_id is not None and any(getattr(event, name) for name in _ABOUT_ANSWERS):
        raise InvalidFeedback("A chunk can be given a thumb, stars, a comment and tags; a correction and a comparison are about answers.")
    if event.better_than == event.answer_id:
        raise InvalidFeedback(f"The answer {event.answer_id} is compared with itself.")
    if event.shown and not {event.answer_id, event.better_than} - {None} <= {*event.shown}:
        raise InvalidFeedback("`shown` leaves out an answer that is judged.")


def _require_fits(event: FeedbackGiven, answer: AnswerCompleted) -> None:
    if event.query_id != answer.query_id:
        raise InvalidFeedback(f"The answer {event.answer_id} is to the question {answer.query_id}, not to {event.query_id}.")
    if event.correction is not None and event.correction.strip() in ("", answer.text.strip()):
        raise InvalidFeedback("The correction says what the answer says, or nothing.")
    if event.chunk_id is not None and event.chunk_id not in chunks_of(answer):
        raise InvalidFeedback(f"The answer {event.answer_id} was not made from the chunk {event.chunk_id}.")


def _require_comparable(event: FeedbackGiven, other: AnswerCompleted | None) -> None:
    if other is None:
        raise UnknownAnswer(f"The session {event.session_id} has no whole answer {event.better_than} to compare with.")
    if other.query_id != event.query_id:
        raise InvalidFeedback(f"The answers {event.answer_id} and {event.better_than} are to different questions.")


def chunks_of(answer: AnswerCompleted) -> set[str]:
    """Those that it was made from, and those that it cites."""
    found = {chunk.chunk_id for chunk in answer.context.chunks} if answer.context else set[str]()
    return found | {citation.chunk_id for citation in answer.citations}
