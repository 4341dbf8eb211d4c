"""POST /v1/responses, GET /v1/responses/{id}, POST /v1/responses/{id}/cancel: OpenAI's Responses protocol.

Every response can be fetched, streamed again from any number on, and cancelled, at any API process and whether `background` was asked for or
not: its id says where its answer lies (schemas/response_id.py), and the answer is in the log.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api.history import json_response
from api.principal import Principal
from api.protocols.asking import ask_anywhere
from api.protocols.following import AnswerFrames, fold_now, stream_of, wait_for, wait_shortly
from api.protocols.openai_answers import openai_refusals, require_model, whole_or_stream
from api.protocols.response_events import ResponseEvents
from api.queries import Key, cancel_in
from api.sessions import Asker
from api.wiring import Wired, Wiring
from schemas.events import Event, answer_id_of
from schemas.openai_bodies import ResponseWanted
from schemas.response_id import AnswerPlace, place_of, response_id

router = APIRouter(prefix="/v1/responses", tags=["openai"])
CANCEL_S = 2.0  # longer than an answer takes to stop; a worker that is away must not hold the reply back
_Id = Annotated[str, Path(min_length=1, max_length=2_000, description="As POST /v1/responses returned it.")]
_After = Annotated[int, Query(ge=-1, le=2**53, description="The last sequence_number that was seen.")]


@router.post("", response_class=Response, responses={**whole_or_stream("response"), **openai_refusals(404, 409, 429)})
async def respond(request: Request, wanted: ResponseWanted, wired: Wired, principal: Asker, key: Key = None) -> Response:
    """Ask a question as OpenAI's clients do."""
    require_model(wanted.model)
    session_id, read = _session_of(wired, principal, wanted), wanted.stream or not wanted.background
    place = await ask_anywhere(wired, principal, wanted.question, session_id=session_id, key=key, read=read)
    if wanted.stream:
        return _stream(request, wired, principal, place, after=-1)
    if wanted.background:
        return json_response(ResponseEvents(response_id(place, wired.signer), place).object)
    return await _whole(wired, principal, place)


@router.get("/{response}", response_class=Response, responses={**whole_or_stream("response"), **openai_refusals(404, 429)})
async def retrieve(request: Request, response: _Id, wired: Wired, principal: Asker, stream: bool = False, starting_after: _After = -1) -> Response:
    """A response as it is now; or with `stream=true` its events behind `starting_after`, and those that come."""
    place = place_of(response, wired.signer, tenant=principal.tenant)
    if stream:
        return _stream(request, wired, principal, place, after=starting_after)
    return await _now(wired, place)


@router.post("/{response}/cancel", response_class=Response, responses={**whole_or_stream("response"), **openai_refusals(404, 429)})
async def cancel_response(response: _Id, wired: Wired, principal: Asker) -> Response:
    """Ask for an answer to stop. The reply says what has become of it; one that is whole stays whole."""
    place = place_of(response, wired.signer, tenant=principal.tenant)
    await cancel_in(wired, principal, place.session, place.query_id, answer_id_of(place.query_id))
    await wait_shortly(wired, principal, place, CANCEL_S)
    return await _now(wired, place)


def _session_of(wired: Wiring, principal: Principal, wanted: ResponseWanted) -> str | None:
    if wanted.previous_response_id is None:
        return wanted.session_id
    return place_of(wanted.previous_response_id, wired.signer, tenant=principal.tenant).session.id


def _stream(request: Request, wired: Wiring, principal: Principal, place: AnswerPlace, *, after: int) -> Response:
    events = ResponseEvents(response_id(place, wired.signer), place, after=after)
    return stream_of(request, wired, principal, place, AnswerFrames(events))


async def _whole(wired: Wiring, principal: Principal, place: AnswerPlace) -> Response:
    events = ResponseEvents(response_id(place, wired.signer), place)

    async def take(event: Event) -> bool:
        events.take(event)
        return False

    await wait_for(wired, principal, place, take)
    return json_response(events.object)


async def _now(wired: Wiring, place: AnswerPlace) -> Response:
    events = ResponseEvents(response_id(place, wired.signer), place)
    await fold_now(wired, place, events.take)
    return json_response(events.object)
