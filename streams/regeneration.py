"""Regeneration: another answer to a question of a session. The part of topic `queries` that ordinary questions never meet.

What was asked and found the first time stands in the session's log, and is read there. What comes out is ChunksRetrieved under the sibling's
name: the same chunks, unless they are to be looked up again; the next step answers it like any other. Each record leads to one answer,
however often it is written or delivered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

from connectors.session_log.base import SessionLog
from schemas.changed_settings import for_a_sibling
from schemas.errors import UnknownQuery
from schemas.events import ChunksRetrieved, QueryAsked, RegenerationAsked, Understanding
from schemas.session_id import Session
from schemas.settings import Settings
from streams.answer_so_far import read_back
from streams.outlet import Output
from streams.step import Delivery

#: The first answer's worker puts what it found into the session with the answer's beginning, which may wait for a moderator. Whoever asks for
#: another one at the same moment waits so long for it, between looks; then the question is looked up again. Not longer: who waits has a place
#: of the window, which everybody's questions need, and holds up the session's next question and its cancellations.
_PAUSES_S = (0.05, 0.1, 0.2, 0.4)


class Question(NamedTuple):
    """What a session's log tells of a question."""

    asked: QueryAsked
    asked_at: int  #: where its QueryAsked lies in the session
    found: ChunksRetrieved | None  #: for its first answer


LookUp = Callable[[Question, Understanding | None], Awaitable[ChunksRetrieved]]


async def regenerate(
    event: RegenerationAsked, delivery: Delivery, *, settings: Settings, session_log: SessionLog, look_up: LookUp
) -> AsyncGenerator[Output, None]:
    """RegenerationAsked → the session's, and ChunksRetrieved onward; delivered again, after it had failed here, its end to `answers` once more.

    Raises UnknownQuery for a question that is not, or no longer, in the session, InvalidRegeneration, UnknownSession.
    """
    session = Session(event.tenant, event.session_id)
    so_far = await read_back(session_log, session, event.query_id, None, event.answer_id)
    if delivery.redelivered and so_far.ended_before_found:
        yield so_far.audit
    if so_far.ended or (so_far.asked and not delivery.redelivered):  # of one that is written twice, the first one's own delivery sees to all
        return
    if not so_far.asked:
        yield event
        await delivery.written()  # whoever answers must find it in the session
    for_a_sibling(event.sibling.settings, settings, looks_up=event.look_up_again)
    yield (so_far.found or await _found(event, delivery, session_log, look_up),)


async def _found(event: RegenerationAsked, delivery: Delivery, session_log: SessionLog, look_up: LookUp) -> ChunksRetrieved:
    with delivery.untimed():
        question = await _question(session_log, Session(event.tenant, event.session_id), event.query_id)
    first = question.found
    if first is None:
        found = await look_up(question, None)
    else:
        found = await look_up(question, first.understanding) if event.look_up_again else first.model_copy(update={"took_ms": 0.0, "time": event.time})
    return found.model_copy(
        update={
            "id": f"{event.answer_id}:retrieved",
            "sibling": event.sibling,
            "session_offset": question.asked_at,
            "query_offset": delivery.position.offset,
        }
    )


async def _question(session_log: SessionLog, session: Session, query_id: str) -> Question:
    """As the log tells it, once something was found for it. Raises UnknownQuery, UnknownSession."""
    asked_at: int | None = None
    pauses = iter(_PAUSES_S)
    while True:
        first = await read_back(session_log, session, query_id, asked_at)
        if first.found is not None:
            return Question(first.query or _asked(first.found), first.found.session_offset, first.found)
        if first.query is None or first.asked_at is None:
            raise UnknownQuery(f"The session {session.id} holds no question {query_id}, or no longer.", remedy="Ask it again.")
        asked_at = first.asked_at
        if first.ended or (pause_s := next(pauses, None)) is None:
            return Question(first.query, asked_at, None)
        await asyncio.sleep(pause_s)


def _asked(found: ChunksRetrieved) -> QueryAsked:
    """Of a question whose own record has expired already."""
    names = {"tenant": found.tenant, "session_id": found.session_id, "query_id": found.query_id}
    return QueryAsked(**names, id=f"{found.query_id}:asked", text=found.question, filters=found.filters)
