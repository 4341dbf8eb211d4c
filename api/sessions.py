"""Sessions: POST /v1/sessions makes one, and its topic with it; DELETE /v1/sessions/{id} forgets it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path
from starlette.responses import Response

from api.principal import Principal, require
from api.problems import refusals
from api.wiring import Wired
from schemas.errors import InvalidSessionId
from schemas.http_bodies import SessionCreated, SessionWanted
from schemas.session_id import Session, new_session_id, placement_of

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
Asker = Annotated[Principal, Depends(require("ask"))]
SessionId = Annotated[str, Path(min_length=1, max_length=101, description="As POST /v1/sessions returned it.")]


_AS_SET = SessionWanted()


@router.post("", status_code=201, responses=refusals())
async def create_session(wired: Wired, principal: Asker, wanted: Annotated[SessionWanted, Body()] = _AS_SET) -> SessionCreated:
    """Make a session. Where its records lie can be chosen; its id says it from then on."""
    wired.admission.require_room(principal.tenant)
    placement = wanted.placement or wired.settings.session_placement
    session = Session(principal.tenant, new_session_id(principal.tenant, placement))
    cursor = await wired.session_log.create(session)
    return SessionCreated(
        session_id=session.id, tenant=session.tenant, placement=placement, cursor=wired.sign(cursor, session), links=links_of(session)
    )


@router.delete("/{session_id}", status_code=204, responses=refusals(404))
async def forget_session(session_id: SessionId, wired: Wired, principal: Annotated[Principal, Depends(require("ask", "operate"))]) -> Response:
    """Forget a session: its topic is deleted; in a lane its records only expire. May be repeated."""
    await wired.session_log.forget(session_of(principal, session_id))
    return Response(status_code=204)


def session_of(principal: Principal, session_id: str) -> Session:
    """The principal's session of that id. Raises InvalidSessionId; whether it exists, the log knows."""
    if placement_of(session_id, principal.tenant) is None:
        raise InvalidSessionId(f"This is no session id of tenant {principal.tenant}.")
    return Session(principal.tenant, session_id)


def links_of(session: Session) -> dict[str, str]:
    """Where to go on with a session."""
    base = f"/v1/sessions/{session.id}"
    return {name: f"{base}/{name}" for name in ("queries", "events", "history", "feedback")}
