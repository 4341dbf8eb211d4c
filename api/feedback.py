"""Feedback: POST /v1/sessions/{id}/feedback writes FeedbackGiven to `feedback`, DELETE FeedbackRetracted. An agent copies them into the session.

What does not fit the session's answers is refused before anything is written. Under one feedback id the same words are the same fact, however
often they are sent; other words are another fact, and the last one counts.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Path
from structlog.contextvars import bind_contextvars

from api.principal import Principal
from api.problems import refusals
from api.sessions import Asker, SessionId, session_of
from api.wiring import Wired, Wiring, context
from connectors.session_log.judged_session import JudgedSession, judged_session
from schemas.errors import InvalidFeedback, UnknownAnswer, UnknownFeedback
from schemas.events import Feedback, FeedbackGiven, FeedbackRetracted, answer_id_of
from schemas.feedback_bodies import FeedbackAccepted, FeedbackWanted
from schemas.feedback_check import require_sound
from schemas.http_bodies import ID_LENGTH, ID_PATTERN
from schemas.session_id import Session, new_ulid

router = APIRouter(prefix="/v1/sessions/{session_id}/feedback", tags=["feedback"])
FeedbackId = Annotated[str, Path(min_length=1, max_length=ID_LENGTH, pattern=ID_PATTERN)]

_OF_ANSWER = {"thumb", "stars", "correction", "better_than", "shown", "signal", "comment", "tags"}
_PATIENCE_S, _LOOK_S = 2.0, 0.1  # until a worker has put into the session what was given a moment ago


@router.post("", status_code=202, responses=refusals(404))
async def give_feedback(session_id: SessionId, wanted: FeedbackWanted, wired: Wired, principal: Asker) -> FeedbackAccepted:
    """Judge an answer, a chunk that it was made from, or two answers against each other. Given again under its id, the later words count."""
    session = session_of(principal, session_id)
    judged = await judged_session(wired.session_log, session)
    event = _given(wanted, judged, session, principal)
    bind_contextvars(correlation=event.query_id)
    require_sound(event, judged.answers, under_way=judged.under_way, failed=judged.failed)
    if event.id not in {each.id for each in _said(judged, principal, event.feedback_id)[-1:]}:
        await wired.journal.append(event, context())
    return FeedbackAccepted(feedback_id=event.feedback_id, query_id=event.query_id, answer_id=event.answer_id)


@router.delete("/{feedback_id}", status_code=202, responses=refusals(404))
async def retract_feedback(session_id: SessionId, feedback_id: FeedbackId, wired: Wired, principal: Asker) -> FeedbackAccepted:
    """Take back what you have said. What it had replaced counts again. May be repeated."""
    session = session_of(principal, session_id)
    said = await _said_by_now(wired, session, principal, feedback_id)
    given = next(event for event in reversed(said) if isinstance(event, FeedbackGiven))
    bind_contextvars(correlation=given.query_id)
    if isinstance(said[-1], FeedbackGiven):
        event = FeedbackRetracted(
            id=f"{feedback_id}:retracted:{len(said)}",
            tenant=session.tenant,
            session_id=session.id,
            query_id=given.query_id,
            feedback_id=feedback_id,
            retracted_by=principal.subject,
        )
        await wired.journal.append(event, context())
    return FeedbackAccepted(feedback_id=feedback_id, query_id=given.query_id, answer_id=given.answer_id)


def _given(wanted: FeedbackWanted, judged: JudgedSession, session: Session, principal: Principal) -> FeedbackGiven:
    """The event. Its id comes of its words and of how often others were said before: up, down and up again are three facts."""
    feedback_id = wanted.feedback_id or f"f{new_ulid()}"
    answer_id = _answer_id(wanted, judged)
    said, words = _said(judged, principal, feedback_id), _hash(wanted)
    repeated = bool(said) and said[-1].id.endswith(f":{words}")
    return FeedbackGiven(
        id=f"{feedback_id}:given:{len(said) - repeated}:{words}",
        tenant=session.tenant,
        session_id=session.id,
        query_id=wanted.query_id or judged.queries.get(answer_id, answer_id),
        feedback_id=feedback_id,
        answer_id=answer_id,
        chunk_id=wanted.chunk_id or _chunk_id(wanted, judged, answer_id),
        given_by=principal.subject,
        **wanted.model_dump(include=_OF_ANSWER),
    )


def _answer_id(wanted: FeedbackWanted, judged: JudgedSession) -> str:
    if wanted.answer_id is not None:
        return wanted.answer_id
    if wanted.query_id is not None:
        return answer_id_of(wanted.query_id)
    if not judged.queries:
        raise UnknownAnswer("The session has no answer yet.")
    return [*judged.queries][-1]


def _chunk_id(wanted: FeedbackWanted, judged: JudgedSession, answer_id: str) -> str | None:
    if wanted.citation is None:
        return None
    answer = judged.answers.get(answer_id)
    for citation in answer.citations if answer else ():
        if citation.number == wanted.citation:
            return citation.chunk_id
    raise InvalidFeedback(f"The answer {answer_id} cites nothing as [{wanted.citation}].")


def _said(judged: JudgedSession, principal: Principal, feedback_id: str) -> list[Feedback]:
    """What the principal has said under an id, each thing once, in order."""
    said: dict[str, Feedback] = {}
    for event in judged.feedback:
        by = event.given_by if isinstance(event, FeedbackGiven) else event.retracted_by
        if (by, event.feedback_id) == (principal.subject, feedback_id):
            said.setdefault(event.id, event)
    return [*said.values()]


async def _said_by_now(wired: Wiring, session: Session, principal: Principal, feedback_id: str) -> list[Feedback]:
    """Raises UnknownFeedback, UnknownSession."""
    for _ in range(round(_PATIENCE_S / _LOOK_S)):
        said = _said(await judged_session(wired.session_log, session), principal, feedback_id)
        if any(isinstance(event, FeedbackGiven) for event in said):
            return said
        await asyncio.sleep(_LOOK_S)
    raise UnknownFeedback(f"{principal.subject} has given no feedback {feedback_id} in the session {session.id}.")


def _hash(wanted: FeedbackWanted) -> str:
    return blake2b(wanted.model_dump_json().encode(), digest_size=8).hexdigest()
