"""Places: what a cursor says, as whoever holds the run's secret reads it. Pure."""

from __future__ import annotations

from functools import lru_cache

from schemas.cursor import Cursor, CursorSigner
from schemas.errors import RoxyError
from schemas.session_id import Session


@lru_cache(maxsize=1_000_000)  # each rule asks for each of them
def told(secret: str, session: Session, text: str) -> Cursor | None:
    """What a cursor of the session says; None if it is none, or another session's."""
    try:
        return CursorSigner(secret.encode()).verify(text, tenant=session.tenant, session_id=session.id)
    except RoxyError:
        return None
