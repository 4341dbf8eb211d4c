"""Response ids: where an answer is found again, by any API process, without a look-up. Signed like cursors, for one tenant.

`resp_` + URL-safe base64 of: seconds since 1970 at which it was asked for (4 bytes), the raw signed cursor, session id, NUL, query id.
The cursor is the one that the question's POST was answered with; it names the answer that is waited for, so its MAC covers the query too.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import NamedTuple

from schemas.attempts import answer_key
from schemas.cursor import Cursor, CursorSigner
from schemas.errors import ForeignCursor, InvalidSessionId, MalformedCursor, UnknownResponse
from schemas.events import answer_id_of
from schemas.session_id import Session, placement_of

_PREFIX = "resp_"
_CREATED = struct.Struct(">IB")  # and the length of the cursor behind it
_END = b"\0"


class AnswerPlace(NamedTuple):
    """One question of one session, and from where on all of its answer lies."""

    session: Session
    query_id: str
    cursor: Cursor
    created: int  #: seconds since 1970


def response_id(place: AnswerPlace, signer: CursorSigner) -> str:
    """The place as text to hand out."""
    signed = signer.sign(place.cursor, tenant=place.session.tenant, session_id=place.session.id)
    cursor = base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4))
    names = _END.join((place.session.id.encode(), place.query_id.encode()))
    return _PREFIX + base64.urlsafe_b64encode(_CREATED.pack(place.created, len(cursor)) + cursor + names).rstrip(b"=").decode()


def place_of(text: str, signer: CursorSigner, *, tenant: str) -> AnswerPlace:
    """Raises UnknownResponse for what is no response id of this tenant, whatever is wrong with it: who asks learns nothing more."""
    try:
        return _place_of(text, signer, tenant)
    except (ValueError, struct.error, binascii.Error, MalformedCursor, ForeignCursor, InvalidSessionId) as error:
        raise UnknownResponse from error


def _place_of(text: str, signer: CursorSigner, tenant: str) -> AnswerPlace:
    raw = _unbase64(text)
    created, length = _CREATED.unpack_from(raw)
    signed, names = raw[_CREATED.size : _CREATED.size + length], raw[_CREATED.size + length :]
    session_id, query_id = names.decode().split(_END.decode())
    if placement_of(session_id, tenant) is None:
        raise InvalidSessionId
    cursor = signer.verify(base64.urlsafe_b64encode(signed).rstrip(b"=").decode(), tenant=tenant, session_id=session_id)
    if not any(state.answer == answer_key(answer_id_of(query_id).encode()) for state in cursor.open_answers):
        raise MalformedCursor
    return AnswerPlace(Session(tenant, session_id), query_id, cursor, created)


def _unbase64(text: str) -> bytes:
    if not text.startswith(_PREFIX):
        raise ValueError(text)
    code = text.removeprefix(_PREFIX).encode("ascii")
    return base64.b64decode(code + b"=" * (-len(code) % 4), altchars=b"-_", validate=True)
