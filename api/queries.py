"""Questions: POST /v1/sessions/{id}/queries writes QueryAsked to `queries`, and nothing else. The agents write the session's records.

The reply's cursor is the session's end as it was before the question was written, so whoever reads from it misses nothing. Should a question
with its key lie in the session already, asked through another process, the cursor is that record's: the whole answer can still be read.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path
from structlog.contextvars import bind_contextvars

from api.posted_keys import query_id_of
from api.principal import Principal
from api.problems import refusals
from api.reading import expecting
from api.sessions import Asker, SessionId, links_of, session_of
from api.starting import where_asked
from api.unanswered import Waiting
from api.wiring import Wired, Wiring, context
from schemas.cursor import Cursor
from schemas.errors import InvalidQuery, UnknownSession
from schemas.events import QueryAsked, QueryCancelled, answer_id_of
from schemas.http_bodies import ID_LENGTH, ID_PATTERN, CancelAccepted, QueryAccepted, QueryWanted
from schemas.session_id import Session, new_ulid

router = APIRouter(prefix="/v1/sessions/{session_id}/queries", tags=["queries"])
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$", description="Ask the same question twice, safely."),
]
QueryId = Annotated[str, Path(min_length=1, max_length=ID_LENGTH, pattern=ID_PATTERN)]


@router.post("", status_code=202, responses=refusals(404, 409, 429))
async def ask(session_id: SessionId, wanted: QueryWanted, wired: Wired, principal: Asker, key: Key = None) -> QueryAccepted:
    """Ask a question. The answer comes as records of the session: read them at `links.events` from `cursor` on."""
    return await ask_in(wired, principal, session_of(principal, session_id), wanted, key)


async def ask_in(wired: Wiring, principal: Principal, session: Session, wanted: QueryWanted, key: str | None) -> QueryAccepted:
    """Write a question to the log, once per key. Raises InvalidQuery, IdempotencyConflict, TooManyQuestions, Overloaded,
    UnknownSession, LogUnavailable."""
    if len(wanted.text) > wired.settings.max_query_chars:
        raise InvalidQuery(f"The question has {len(wanted.text)} characters; {wired.settings.max_query_chars} are allowed.")
    query_id = query_id_of(session, key) if key else f"q{new_ulid()}"
    bind_contextvars(correlation=query_id)
    before = wired.posted.find(query_id, wanted) if key else None
    if before is not None:
        return before
    with wired.admission.question(Waiting(session, answer_id_of(query_id))):
        return await _write(wired, principal, session, query_id, wanted, key)


@router.post("/{query_id}/cancel", status_code=202, responses=refusals(404))
async def cancel(session_id: SessionId, query_id: QueryId, wired: Wired, principal: Asker) -> CancelAccepted:
    """Ask for a question's answers to stop, all that are under way. Where each stopped, its AnswerCancelled says; one that is whole stays whole."""
    session = session_of(principal, session_id)
    await cancel_in(wired, principal, session, query_id)
    return CancelAccepted(query_id=query_id, session_id=session.id)


async def cancel_in(wired: Wiring, principal: Principal, session: Session, query_id: str, answer_id: str | None = None) -> None:
    """Write to the log that an answer shall stop; None: all of the question's. Raises UnknownSession, LogUnavailable."""
    bind_contextvars(correlation=query_id)
    if not await wired.session_log.exists(session):
        raise UnknownSession
    event = QueryCancelled(
        # Whoever stops the answers and asks for another one may want to stop that too: each time it is another fact.
        id=f"{answer_id}:cancelled" if answer_id else f"{query_id}:cancelled:{new_ulid()}",
        tenant=session.tenant,
        session_id=session.id,
        query_id=query_id,
        answer_id=answer_id,
        cancelled_by=principal.subject,
    )
    await wired.journal.append(event, context())


async def _write(wired: Wiring, principal: Principal, session: Session, query_id: str, wanted: QueryWanted, key: str | None) -> QueryAccepted:
    cursor = await _cursor(wired, session, query_id, repeated=key is not None)  # before the question is written: see above
    event = QueryAsked(
        id=f"{query_id}:asked",
        tenant=session.tenant,
        session_id=session.id,
        query_id=query_id,
        text=wanted.text,
        filters=wanted.filters.filters,
        asked_by=principal.subject,
        idempotency_key=key,
    )
    await wired.journal.append(event, context())
    wired.metrics.queries.labels(session.tenant).inc()
    accepted = _accepted(wired, session, query_id, cursor)
    if key:
        wired.posted.remember(query_id, accepted, wanted)
    return accepted


async def _cursor(wired: Wiring, session: Session, query_id: str, *, repeated: bool) -> Cursor:
    """From where on all of the answer lies."""
    end = await wired.session_log.end(session)
    if not repeated:
        return expecting(end, answer_id_of(query_id))
    asked = await where_asked(wired, session, query_id)
    if asked is not None:  # its answer may have ended long ago
        wired.admission.unanswered.forget(Waiting(session, answer_id_of(query_id)))
    # Retention may have cut the question and left the answer: so of the end the cursor does not say that nothing lies before it.
    return end if asked is None else expecting(asked, answer_id_of(query_id))


def _accepted(wired: Wiring, session: Session, query_id: str, cursor: Cursor) -> QueryAccepted:
    signed, links = wired.sign(cursor, session), links_of(session)
    links |= {
        "events": f"{links['events']}?after={signed}",
        "query_events": f"{links['events']}?query={query_id}&after={signed}",
        "cancel": f"{links['queries']}/{query_id}/cancel",
        "answers": f"{links.pop('queries')}/{query_id}/answers",
    }
    return QueryAccepted(query_id=query_id, answer_id=answer_id_of(query_id), session_id=session.id, cursor=signed, links=links)
