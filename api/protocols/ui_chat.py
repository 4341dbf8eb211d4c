"""POST /api/chat and GET /api/chat/{id}/stream: the AI SDK's chat for user interfaces, with resume, as its default transport calls them.

A chat is a session with a topic of its own, whose id is `t` and the page's chat id; so any API process finds it. What a page sends of the
conversation so far makes no difference: the session's log has it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from api.principal import Principal
from api.problems import refusals
from api.protocols.asking import ask_at, query_of
from api.protocols.following import AnswerFrames, stream_of
from api.protocols.ui_parts import HEADERS, UiParts
from api.queries import Key
from api.reading import belongs_to, expecting, history_of
from api.sessions import Asker
from api.wiring import Wired, Wiring
from connectors.session_log.base import Gap
from schemas.attempts import AttemptFilter
from schemas.cursor import Cursor
from schemas.errors import UnknownSession
from schemas.events import TERMINAL, QueryAsked, answer_id_of
from schemas.response_id import AnswerPlace
from schemas.session_id import Session
from schemas.ui_bodies import ChatId, UiChatWanted

router = APIRouter(prefix="/api/chat", tags=["ai-sdk"])
_FRAME = {"type": "object", "description": "One part of the UI message stream, version 1.", "properties": {"data": {"type": "string"}}}
_STREAM: dict[int | str, dict[str, Any]] = {200: {"description": "The answer's parts.", "content": {"text/event-stream": {"schema": _FRAME}}}}


@router.post("", response_class=Response, responses={**_STREAM, **refusals(404, 409, 429)})
async def chat(request: Request, wanted: UiChatWanted, wired: Wired, principal: Asker, key: Key = None) -> Response:
    """Ask the last question of a conversation. Leaving the stream cancels nothing."""
    place = await ask_at(wired, principal, _session_of(principal, wanted.id), query_of(wanted.question), key)
    return _stream(request, wired, principal, place)


@router.get(
    "/{chat_id}/stream", response_class=Response, responses={**_STREAM, 204: {"description": "No answer is being made."}, **refusals(404, 429)}
)
async def resume(request: Request, chat_id: Annotated[ChatId, Path()], wired: Wired, principal: Asker) -> Response:
    """The answer that is being made, from its beginning."""
    place = await _under_way(wired, _session_of(principal, chat_id))
    return Response(status_code=204) if place is None else _stream(request, wired, principal, place)


def _session_of(principal: Principal, chat_id: str) -> Session:
    return Session(principal.tenant, f"t{chat_id}")


def _stream(request: Request, wired: Wiring, principal: Principal, place: AnswerPlace) -> Response:
    return stream_of(request, wired, principal, place, AnswerFrames(UiParts(place), HEADERS))


async def _under_way(wired: Wiring, session: Session) -> AnswerPlace | None:
    """The last question, unless its answer has ended; by the records' headers alone."""
    last: AnswerPlace | None = None
    counts = AttemptFilter()
    try:
        async with history_of(wired.session_log, session) as entries:
            async for entry in entries:
                if isinstance(entry, Gap) or not counts.admits(entry.marks):
                    continue
                query_id = entry.marks.correlation
                if entry.marks.type == QueryAsked.__name__:
                    asked = Cursor(entry.epoch, entry.record.partition, entry.record.offset)
                    last = AnswerPlace(session, query_id, expecting(asked, answer_id_of(query_id)), created=0)
                elif entry.marks.type in TERMINAL and last is not None and belongs_to(entry.marks, answer_id_of(last.query_id)):
                    last = None
    except UnknownSession:  # a new chat's page asks too
        return None
    return last
