"""A question in another protocol's form becomes a question of ours: a session, found or made, and QueryAsked. The answer's place comes back.

Without a named session each question gets one of its own. With an Idempotency-Key that session's id is made from the key, so that whoever
sends the request twice meets the first one's session, and in it the first one's question.

The answer is read in the same request, as a rule: so the room to read it is kept before anything is written, or made. Who is refused for the want
of it would else have asked, and asks again.
"""

from __future__ import annotations

import base64
import time
from contextlib import nullcontext
from hashlib import blake2b

from pydantic import ValidationError

from api.principal import Principal
from api.queries import ask_in
from api.reading import expecting
from api.sessions import session_of
from api.wiring import Wiring
from schemas.errors import InvalidQuery
from schemas.http_bodies import QueryWanted
from schemas.response_id import AnswerPlace
from schemas.session_id import Session, new_session_id


async def ask_anywhere(
    wired: Wiring, principal: Principal, question: str, *, session_id: str | None, key: str | None, read: bool = True
) -> AnswerPlace:
    """Ask in the named session, or in one made for it; `read`: the answer is read right behind. Raises InvalidQuery, InvalidSessionId,
    UnknownSession, IdempotencyConflict, TooManyQuestions, TooManyConnections, Overloaded, ShuttingDown."""
    wanted = query_of(question)
    with wired.streams.room(principal) if read else nullcontext():
        session = session_of(principal, session_id) if session_id else await _made(wired, principal, key)
        return await _asked(wired, principal, session, wanted, key)


async def ask_at(wired: Wiring, principal: Principal, session: Session, wanted: QueryWanted, key: str | None) -> AnswerPlace:
    """Ask in this session, which is made if it is not there. The answer is read right behind."""
    with wired.streams.room(principal):
        if not await wired.session_log.exists(session):
            wired.admission.require_room(principal.tenant)
            await wired.session_log.create(session)
        return await _asked(wired, principal, session, wanted, key)


async def _asked(wired: Wiring, principal: Principal, session: Session, wanted: QueryWanted, key: str | None) -> AnswerPlace:
    accepted = await ask_in(wired, principal, session, wanted, key)
    cursor = wired.signer.verify(accepted.cursor, tenant=session.tenant, session_id=session.id)
    return AnswerPlace(session, accepted.query_id, expecting(cursor, accepted.answer_id), int(time.time()))


def query_of(question: str) -> QueryWanted:
    """Raises InvalidQuery."""
    try:
        return QueryWanted(text=question)
    except ValidationError as error:
        raise InvalidQuery("The last entry of the user holds no question, or control characters.") from error


async def _made(wired: Wiring, principal: Principal, key: str | None) -> Session:
    wired.admission.require_room(principal.tenant)
    placement = wired.settings.session_placement
    session = Session(principal.tenant, new_session_id(principal.tenant, placement) if key is None else _id_of(principal, key))
    await wired.session_log.create(session)
    return session


def _id_of(principal: Principal, key: str) -> str:
    """128 bits of BLAKE2b, in base 32. A topic of its own: a lane's id holds the time at which it was made."""
    digest = blake2b(f"{principal.tenant}\0{key}".encode(), digest_size=16, person=b"roxy.asked-once").digest()
    return "t" + base64.b32hexencode(digest).decode().lower().rstrip("=")
