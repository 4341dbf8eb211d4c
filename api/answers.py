"""Another answer to a question: POST …/queries/{id}/answers writes RegenerationAsked to `queries`; the agents do the rest, as with questions.

It stands beside the first one in the same session, under an id of its own. Its stream is the one of that id (`?answer=`); who reads the whole
session sees all answers as they come, each record with its answer's id.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path
from structlog.contextvars import bind_contextvars

from api.posted_keys import query_id_of
from api.principal import Principal
from api.problems import refusals
from api.queries import Key, QueryId, cancel_in
from api.reading import expecting
from api.sessions import Asker, SessionId, links_of, session_of
from api.starting import where_asked
from api.unanswered import Waiting
from api.wiring import Wired, Wiring, context
from schemas.answer_bodies import AnswerAccepted, RegenerationWanted
from schemas.changed_settings import for_a_sibling
from schemas.cursor import Cursor
from schemas.errors import UnknownAnswer, UnknownQuery
from schemas.events import RegenerationAsked, Sibling, answer_id_of, is_sibling_of
from schemas.http_bodies import ID_PATTERN, CancelAccepted
from schemas.session_id import Session, new_ulid

router = APIRouter(prefix="/v1/sessions/{session_id}/queries/{query_id}/answers", tags=["queries"])
AnswerId = Annotated[str, Path(min_length=1, max_length=200, pattern=ID_PATTERN)]

_PATIENCE_S, _LOOK_S = 2.0, 0.1  # until a worker has put into the session what was asked a moment ago


@router.post("", status_code=202, responses=refusals(404, 409, 429))
async def ask_again(
    session_id: SessionId, query_id: QueryId, wanted: RegenerationWanted, wired: Wired, principal: Asker, key: Key = None
) -> AnswerAccepted:
    """Ask for another answer to a question, with other settings if you like. It comes as records of the session: read them at `links.events`."""
    session = session_of(principal, session_id)
    bind_contextvars(correlation=query_id)
    for_a_sibling(wanted.settings, wired.settings, looks_up=wanted.look_up_again)
    name = query_id_of(session, f"{query_id}\0{key}") if key else new_ulid()
    answer_id = f"{answer_id_of(query_id)}.{name}"
    before = wired.asked_again.find(answer_id, wanted) if key else None
    if before is not None:
        return before
    with wired.admission.question(Waiting(session, answer_id)):  # first: looking for the question reads its session
        await _require_asked(wired, session, query_id)
        accepted = await _write(wired, principal, session, query_id, answer_id, wanted, repeated=key is not None)
    if key:
        wired.asked_again.remember(answer_id, accepted, wanted)
    return accepted


@router.post("/{answer_id}/cancel", status_code=202, responses=refusals(404))
async def cancel_one(session_id: SessionId, query_id: QueryId, answer_id: AnswerId, wired: Wired, principal: Asker) -> CancelAccepted:
    """Ask for one answer to stop; others to the same question go on."""
    session = session_of(principal, session_id)
    if answer_id != answer_id_of(query_id) and not is_sibling_of(answer_id, query_id):
        raise UnknownAnswer(f"The question {query_id} has no answer {answer_id}.")
    await cancel_in(wired, principal, session, query_id, answer_id)
    return CancelAccepted(query_id=query_id, session_id=session.id)


async def _require_asked(wired: Wiring, session: Session, query_id: str) -> None:
    """Looks through the session once, and then through what is new. Raises UnknownQuery, UnknownSession."""
    seen: Cursor | None = None
    for _ in range(round(_PATIENCE_S / _LOOK_S)):
        end = await wired.session_log.end(session)
        if await where_asked(wired, session, query_id, after=seen) is not None:
            return
        seen = end
        await asyncio.sleep(_LOOK_S)
    raise UnknownQuery(f"The session {session.id} holds no question {query_id}: not yet, or no longer.", remedy="Check the id, or ask it again.")


async def _write(
    wired: Wiring, principal: Principal, session: Session, query_id: str, answer_id: str, wanted: RegenerationWanted, *, repeated: bool
) -> AnswerAccepted:
    cursor = await _cursor(wired, session, query_id, answer_id, repeated=repeated)  # before it is written: nothing falls between
    event = RegenerationAsked(
        id=f"{answer_id}:asked",
        tenant=session.tenant,
        session_id=session.id,
        query_id=query_id,
        sibling=Sibling(answer_id=answer_id, settings=wanted.settings, asked_by=principal.subject),
        look_up_again=wanted.look_up_again,
    )
    await wired.journal.append(event, context())
    signed, links = wired.sign(cursor, session), links_of(session)
    base = f"{links.pop('queries')}/{query_id}/answers"
    links |= {
        "events": f"{links['events']}?after={signed}",
        "answer_events": f"{links['events']}?answer={answer_id}&after={signed}",
        "cancel": f"{base}/{answer_id}/cancel",
        "answers": base,
    }
    return AnswerAccepted(answer_id=answer_id, query_id=query_id, session_id=session.id, cursor=signed, links=links)


async def _cursor(wired: Wiring, session: Session, query_id: str, answer_id: str, *, repeated: bool) -> Cursor:
    """From where on all of the answer lies."""
    end = await wired.session_log.end(session)
    if not repeated:
        return expecting(end, answer_id)
    asked = await where_asked(wired, session, query_id, answer_id)
    if asked is not None:  # at another process, and it may have ended long ago
        wired.admission.unanswered.forget(Waiting(session, answer_id))
    return end if asked is None else expecting(asked, answer_id)
