"""Feedback: POST /v1/sessions/{id}/feedback writes FeedbackGiven to `feedback`. An agent copies it into the session.

Under one feedback id the same words are the same fact, however often they are sent; other words are another fact, and the last one counts.
"""

from __future__ import annotations

from hashlib import blake2b

from fastapi import APIRouter
from structlog.contextvars import bind_contextvars

from api.problems import refusals
from api.sessions import Asker, SessionId, session_of
from api.wiring import Wired, context
from schemas.errors import UnknownSession
from schemas.events import FeedbackGiven, answer_id_of
from schemas.http_bodies import FeedbackAccepted, FeedbackWanted
from schemas.session_id import new_ulid

router = APIRouter(prefix="/v1/sessions/{session_id}/feedback", tags=["feedback"])


@router.post("", status_code=202, responses=refusals(404))
async def give_feedback(session_id: SessionId, wanted: FeedbackWanted, wired: Wired, principal: Asker) -> FeedbackAccepted:
    """Judge an answer: thumb, stars, a correction, a comment, tags; at least one."""
    session = session_of(principal, session_id)
    bind_contextvars(correlation=wanted.query_id)
    if not await wired.session_log.exists(session):
        raise UnknownSession
    feedback_id = wanted.feedback_id or f"f{new_ulid()}"
    answer_id = wanted.answer_id or answer_id_of(wanted.query_id)
    event = FeedbackGiven(
        id=f"{feedback_id}:given:{_hash(wanted)}",
        tenant=session.tenant,
        session_id=session.id,
        query_id=wanted.query_id,
        feedback_id=feedback_id,
        answer_id=answer_id,
        given_by=principal.subject,
        **wanted.model_dump(include={"thumb", "stars", "correction", "comment", "tags"}),
    )
    await wired.journal.append(event, context())
    return FeedbackAccepted(feedback_id=feedback_id, query_id=wanted.query_id, answer_id=answer_id)


def _hash(wanted: FeedbackWanted) -> str:
    return blake2b(wanted.model_dump_json().encode(), digest_size=8).hexdigest()
