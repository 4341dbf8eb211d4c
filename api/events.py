"""GET /v1/sessions/{id}/events: a session's records as they come, as server-sent events or by long polling, over the same cursors."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response
from structlog.contextvars import bind_contextvars

from api.history import Page, json_response, read_page
from api.open_streams import Ending
from api.principal import Principal
from api.problems import refusals
from api.reading import Reading
from api.session_stream import SessionStream, Surroundings
from api.sessions import Asker, SessionId, session_of
from api.starting import Start, ended_before, start_of
from api.wiring import Wired, Wiring
from schemas.events import answer_id_of
from schemas.http_bodies import ID_LENGTH, ID_PATTERN
from schemas.session_id import Session

router = APIRouter(prefix="/v1/sessions/{session_id}/events", tags=["sessions"])
POLL_RECORDS = 1_000
MOST_WAIT_S = 60
_FRAME = {
    "type": "object",
    "description": "One event; `data` is the record's value, by the JSON Schema that its `type` has in docs/.",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")} | {"retry": {"type": "integer"}},
}
_SHAPES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The records.",
        "content": {
            "text/event-stream": {"schema": _FRAME},
            "application/json": {"schema": {"$ref": "#/components/schemas/RecordsPolled"}},
        },
    },
    204: {"description": "The answer is whole, and all of it lies before the cursor: do not come back."},
}
_After = Annotated[str | None, Query(description="A cursor, or `latest`; from the first kept record if left out. Last-Event-ID wins over it.")]
_Only = Annotated[
    str | None, Query(alias="query", max_length=ID_LENGTH, pattern=ID_PATTERN, description="Only this query and its first answer, to its end.")
]
_Answer = Annotated[str | None, Query(max_length=200, pattern=ID_PATTERN, description="Only this answer, to its end. It wins over `query`.")]
_Wait = Annotated[float | None, Query(ge=0, le=MOST_WAIT_S, description="Long polling: seconds to wait for a record.")]
_LastId = Annotated[str | None, Header(alias="Last-Event-ID", description="The last `id:` seen: what an EventSource sends by itself.")]


@router.get("", response_class=Response, responses={**_SHAPES, **refusals(404, 429)})
async def events(
    request: Request,
    session_id: SessionId,
    wired: Wired,
    principal: Asker,
    after: _After = None,
    query: _Only = None,
    answer: _Answer = None,
    wait: _Wait = None,
    last_event_id: _LastId = None,
) -> Response:
    """Server-sent events, each `id:` a cursor; or with `Accept: application/json`, or `?wait=`, one JSON object (RecordsPolled)."""
    session = session_of(principal, session_id)
    if query:
        bind_contextvars(correlation=query)
    only = answer or (answer_id_of(query) if query else None)
    if last_event_id:
        wired.metrics.resumes.labels(session.tenant).inc()
    start = await start_of(wired, session, last_event_id or after)
    reading = Reading(session=session, signer=wired.signer, start=start.cursor, answer=only)
    reading.ended = reading.ended or (only is not None and await ended_before(wired, session, start, only))
    if _wants_json(request, wait):
        return await _polled(wired, principal, session, start, reading, wait or 0)
    if reading.ended:
        return Response(status_code=204)
    around = Surroundings(wired.settings, wired.streams, wired.metrics, request.app.state.delivery_spans)
    tail = wired.session_log.tail(session, start.tail_from)
    return SessionStream(principal=principal, tail=tail, reading=reading, session=session, around=around)


def _wants_json(request: Request, wait: float | None) -> bool:
    accept = request.headers.get("accept", "")
    return "text/event-stream" not in accept and ("application/json" in accept or wait is not None)


async def _polled(wired: Wiring, principal: Principal, session: Session, start: Start, reading: Reading, wait_s: float) -> Response:
    """What is there; if nothing is, what comes first within `wait_s`."""
    page = Page([], more=False)
    if not reading.ended:
        with wired.presence.reading(session):  # who asks now and then waits too
            page = await read_page(wired, session, start.tail_from, reading, POLL_RECORDS)
    if not page.shown and not reading.ended and wait_s:
        page = await _waited(wired, principal, session, start, reading, wait_s)
    return json_response({**page.as_json(), "cursor": reading.cursor, "ended": reading.ended})


async def _waited(wired: Wiring, principal: Principal, session: Session, start: Start, reading: Reading, wait_s: float) -> Page:
    """A long poll counts as a stream, and ends early when the server drains."""
    now = asyncio.get_running_loop().time
    deadline = now() + wait_s
    after = start.tail_from if reading.position == start.cursor else reading.position

    async def first() -> Ending:
        async with wired.session_log.tail(session, after) as tail:
            while now() < deadline and not page.shown and not reading.ended:
                page.shown.extend(reading.show(await tail.read(deadline - now())))
        return "answered"

    page = Page([], more=False)
    with wired.streams.opened(principal, session) as stream:
        await stream.run(first())
    return page
