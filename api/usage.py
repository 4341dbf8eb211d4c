"""Usage: GET /v1/sessions/{id}/usage, what the answers of a session took."""

from __future__ import annotations

from fastapi import APIRouter

from api.problems import refusals
from api.reading import history_of
from api.sessions import Asker, SessionId, session_of
from api.wiring import Wired
from connectors.session_log.base import SessionRecord
from schemas.attempts import AttemptFilter
from schemas.codec import decode
from schemas.events import TERMINAL
from schemas.http_bodies import ModelUsage, SessionUsage
from schemas.spending import End, Spending

router = APIRouter(prefix="/v1/sessions/{session_id}/usage", tags=["sessions"])


@router.get("", responses=refusals(404))
async def usage(session_id: SessionId, wired: Wired, principal: Asker) -> SessionUsage:
    """Tokens and cost of the session's answers that are kept, by model; of those that failed or were cancelled, too."""
    session, spending, counts = session_of(principal, session_id), Spending(), AttemptFilter()
    async with history_of(wired.session_log, session, tokens=False) as entries:
        async for entry in entries:
            if isinstance(entry, SessionRecord) and counts.admits(entry.marks) and entry.marks.type in TERMINAL:
                event = decode(entry.record)
                if isinstance(event, End):
                    spending.add(event)
    return SessionUsage(session_id=session.id, models=tuple(ModelUsage(**spent._asdict()) for spent in spending.by_model()))
