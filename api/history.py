"""History: GET /v1/sessions/{id}/history, a bounded part of a session's records; and the page that a long poll reads first."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.problems import refusals
from api.reading import Reading, Shown, ShownGap, history_of
from api.sessions import Asker, SessionId, session_of
from api.starting import start_of
from api.wiring import Wired, Wiring
from schemas.cursor import Cursor
from schemas.http_bodies import RecordsPage
from schemas.session_id import Session

router = APIRouter(prefix="/v1/sessions/{session_id}/history", tags=["sessions"])
MOST = 10_000
MOST_BYTES = 16 * 1024 * 1024  # of records on one page: they are held in memory at once, up to three times while the JSON is made


class Page(NamedTuple):
    """A bounded part of what one reader is shown."""

    shown: list[Shown | ShownGap]
    more: bool

    def as_json(self) -> dict[str, object]:
        gap = next((entry for entry in self.shown if isinstance(entry, ShownGap)), None)
        return {"records": [entry.as_json() for entry in self.shown if isinstance(entry, Shown)], "gap": gap._asdict() if gap else None}


@router.get("", response_model=RecordsPage, responses=refusals(404))
async def history(
    session_id: SessionId,
    wired: Wired,
    principal: Asker,
    after: Annotated[str | None, Query(description="A cursor; from the first kept record if left out.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 1_000,
) -> Response:
    """The records from a cursor up to now: those that count, at most `limit` or 16 MiB of them. `more` says to ask again at `cursor`."""
    session = session_of(principal, session_id)
    start = await start_of(wired, session, after)
    reading = Reading(session=session, signer=wired.signer, start=start.cursor)
    page = await read_page(wired, session, start.tail_from, reading, limit)
    return json_response({**page.as_json(), "cursor": reading.cursor, "more": page.more})


async def read_page(wired: Wiring, session: Session, after: Cursor | None, reading: Reading, limit: int) -> Page:
    """Read on until there is nothing more, the page is full, or the reading has ended."""
    shown: list[Shown | ShownGap] = []
    held = 0
    async with history_of(wired.session_log, session, after) as entries:
        async for entry in entries:
            if len(shown) >= limit or held >= MOST_BYTES:
                return Page(shown, more=True)
            for one in reading.show([entry]):
                shown.append(one)
                held += len(one.value) if isinstance(one, Shown) else 0
            if reading.ended:
                break
    return Page(shown, more=False)


def json_response(content: dict[str, object]) -> Response:
    return Response(orjson.dumps(content), media_type="application/json", headers={"Cache-Control": "no-store"})
