"""POST /v1/chat/completions: OpenAI's chat protocol.

The question is the last entry of the user. It is asked in a session of its own, or in the one that `metadata.session_id` names; other entries
make no difference (schemas/openai_bodies.py). A stream of this protocol cannot be resumed: who wants that uses Responses, or our own routes.
"""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.history import json_response
from api.principal import Principal
from api.protocols.asking import ask_anywhere
from api.protocols.chat_chunks import ChatChunks, cancelled_completion, completion, openai_error_of
from api.protocols.following import AnswerFrames, stream_of, wait_for
from api.protocols.openai_answers import openai_refusals, require_model, whole_or_stream
from api.queries import Key
from api.sessions import Asker
from api.wiring import Wired, Wiring
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Event, GenerationStarted, TokensGenerated
from schemas.openai_bodies import ChatWanted
from schemas.response_id import AnswerPlace

router = APIRouter(prefix="/v1/chat/completions", tags=["openai"])


@router.post("", response_class=Response, responses={**whole_or_stream("chat.completion"), **openai_refusals(404, 409, 429)})
async def chat(request: Request, wanted: ChatWanted, wired: Wired, principal: Asker, key: Key = None) -> Response:
    """Ask a question as OpenAI's clients do."""
    require_model(wanted.model)
    session_id = wanted.metadata.session_id if wanted.metadata else None
    place = await ask_anywhere(wired, principal, wanted.question, session_id=session_id, key=key)
    if not wanted.stream:
        return await _whole(wired, principal, place)
    chunks = ChatChunks(place, include_usage=wanted.stream_options is not None and wanted.stream_options.include_usage)
    return stream_of(request, wired, principal, place, AnswerFrames(chunks))


async def _whole(wired: Wiring, principal: Principal, place: AnswerPlace) -> Response:
    pieces: list[str] = []
    ends: list[Event] = []

    async def take(event: Event) -> bool:
        if isinstance(event, GenerationStarted):
            del pieces[event.resumes_at :]
        elif isinstance(event, TokensGenerated):
            pieces.append(event.text)
        ends[:] = [event]
        return False

    await wait_for(wired, principal, place, take)
    match ends[-1]:
        case AnswerCompleted() as end:
            return json_response(completion(place, end))
        case AnswerFailed() as end:
            return failure(end)
        case AnswerCancelled():
            return json_response(cancelled_completion(place, "".join(pieces)))
        case end:
            raise AssertionError(end)


def failure(event: AnswerFailed) -> Response:
    """An answer that failed. OpenAI's clients ask again by themselves after a status of 500 and more, unless they are told not to."""
    headers = {"x-should-retry": "true" if event.retryable else "false"}
    status = 503 if event.retryable else 500
    return Response(orjson.dumps({"error": openai_error_of(event)}), status, headers, "application/json")
