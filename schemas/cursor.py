"""Cursors: where a reader goes on. Opaque and signed; made for one session of one tenant.

A cursor means "the next record": topic epoch, partition, offset. It also carries, for each answer that is still open, the attempt
and the next index, and whether that is all there is to know, so that a reader who resumes on another process drops stale records as
the first one did.
As text: URL-safe base64 of version, MAC (12 bytes of keyed BLAKE2b, RFC 7693), and the packed fields.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from functools import lru_cache
from hashlib import blake2b
from itertools import starmap
from typing import NamedTuple
from uuid import UUID

from schemas.errors import ForeignCursor, MalformedCursor

_VERSION = 1
_VERSION_BYTE = bytes((_VERSION,))
_MAC_BYTES = 12
_FIXED = struct.Struct(">16siqB?2x")  # a multiple of three bytes: base64 has no padding then, and no spare bits, in which a change goes unnoticed
_OPEN = struct.Struct(">8sqq")
_MOST_OPEN = 255
_SESSIONS = 10_000  # whose cursors are signed without a beginning of their own


class OpenAnswer(NamedTuple):
    """How far a reader is in an answer that has no terminal record yet."""

    answer: bytes  #: first 8 bytes of BLAKE2b of the answer id
    attempt: int
    next_index: int


class Cursor(NamedTuple):
    """The next record to read. `epoch` is the topic's id, so that a topic made again under its old name is noticed."""

    epoch: UUID
    partition: int
    offset: int
    open_answers: tuple[OpenAnswer, ...] = ()
    whole: bool = False  #: whoever holds it has read the session from its first record on: of no other answer is anything under way


class CursorSigner:
    """Turns cursors into text and back. Processes that share the secret accept each other's cursors."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"roxy.cursor").digest()
        self._begun = lru_cache(maxsize=_SESSIONS)(self._begin)

    def sign(self, cursor: Cursor, *, tenant: str, session_id: str) -> str:
        packed = _pack(cursor)
        return base64.urlsafe_b64encode(_VERSION_BYTE + self._mac(packed, tenant, session_id) + packed).decode()

    def verify(self, text: str, *, tenant: str, session_id: str) -> Cursor:
        """Raises MalformedCursor if the text is none, ForeignCursor if it was made for another session or with another secret."""
        raw = _unbase64(text)
        mac, packed = raw[1 : 1 + _MAC_BYTES], raw[1 + _MAC_BYTES :]
        if len(packed) < _FIXED.size or raw[0] != _VERSION:
            raise MalformedCursor
        if not hmac.compare_digest(mac, self._mac(packed, tenant, session_id)):
            raise ForeignCursor
        return _unpack(packed)

    def _mac(self, packed: bytes, tenant: str, session_id: str) -> bytes:
        mac = self._begun(tenant, session_id).copy()
        mac.update(packed)
        return mac.digest()

    def _begin(self, tenant: str, session_id: str) -> blake2b:
        """What all cursors of a session begin with: a stream signs one for each record."""
        return blake2b(f"{tenant}\0{session_id}\0".encode(), digest_size=_MAC_BYTES, key=self._key)


def _pack(cursor: Cursor) -> bytes:
    # Most streams have one open answer; should one ever have more than 255, the oldest are forgotten: their stale records show again.
    epoch, partition, offset, answers, whole = cursor
    if len(answers) > _MOST_OPEN:
        answers, whole = answers[-_MOST_OPEN:], False
    return _FIXED.pack(epoch.bytes, partition, offset, len(answers), whole) + b"".join(starmap(_OPEN.pack, answers))


def _unpack(packed: bytes) -> Cursor:
    epoch, partition, offset, count, whole = _FIXED.unpack_from(packed)
    if len(packed) != _FIXED.size + count * _OPEN.size:
        raise MalformedCursor
    answers = tuple(OpenAnswer(*fields) for fields in _OPEN.iter_unpack(packed[_FIXED.size :]))
    return Cursor(UUID(bytes=epoch), partition, offset, answers, whole)


def _unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MalformedCursor from error
    if not raw:
        raise MalformedCursor
    return raw
