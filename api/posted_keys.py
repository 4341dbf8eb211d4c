"""Idempotency keys that this process has seen, and what it answered.

Guarantees: one key in one session is one query id, on every process, so that the agents answer it once whatever is posted twice. This
process, for an hour and the last 10,000 keys, also answers a repeat as it did the first time (same cursor: nothing of the answer is
missed) and refuses the key with another question. At another process the first one stays, and the cursor is that of the question in the
session, or the session's end as long as it is not there (api/queries.py).
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Generic, NamedTuple, TypeVar

from schemas.errors import IdempotencyConflict
from schemas.http_bodies import Body
from schemas.session_id import Session

KEPT_S = 3_600.0
KEPT_KEYS = 10_000  # some 5 MB


Accepted = TypeVar("Accepted", bound=Body)


class Posted(NamedTuple, Generic[Accepted]):
    """A question, or a wish for another answer, that came with a key."""

    hash: bytes  #: of all that was wanted
    answer: Accepted
    at: float


class PostedKeys(Generic[Accepted]):
    """Remembers by query id, or by the answer's, which stands for tenant, session and key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._posted: OrderedDict[str, Posted[Accepted]] = OrderedDict()

    def find(self, named: str, wanted: Body) -> Accepted | None:
        """What was answered before. Raises IdempotencyConflict if something else was wanted."""
        self._forget_old()
        before = self._posted.get(named)
        if before is None:
            return None
        if before.hash != _hash(wanted):
            raise IdempotencyConflict
        return before.answer

    def remember(self, named: str, answer: Accepted, wanted: Body) -> None:
        self._posted.setdefault(named, Posted(_hash(wanted), answer, self._clock()))
        if len(self._posted) > KEPT_KEYS:
            self._posted.popitem(last=False)

    def _forget_old(self) -> None:
        while self._posted and next(iter(self._posted.values())).at < self._clock() - KEPT_S:
            self._posted.popitem(last=False)


def query_id_of(session: Session, key: str) -> str:
    """The query that a key stands for: 128 bits of BLAKE2b, in base 32."""
    digest = blake2b(f"{session.tenant}\0{session.id}\0{key}".encode(), digest_size=16, person=b"roxy.idempotent").digest()
    return "q" + base64.b32hexencode(digest).decode().lower().rstrip("=")


def _hash(wanted: Body) -> bytes:
    return blake2b(wanted.model_dump_json().encode(), digest_size=16).digest()
