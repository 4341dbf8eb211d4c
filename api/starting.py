"""Where a reader begins: at the cursor that it shows, at the end, or at the session's first kept record."""

from __future__ import annotations

from typing import NamedTuple

from api.reading import belongs_to, history_of, knows_of
from api.wiring import Wiring
from connectors.session_log.base import Gap
from schemas.cursor import Cursor
from schemas.errors import UnknownSession
from schemas.events import TERMINAL, QueryAsked, RegenerationAsked
from schemas.session_id import Session

LATEST = "latest"


class Start(NamedTuple):
    """`cursor` is what the reader is told; `tail_from` what the log is asked for: None means the first kept record, without a gap."""

    cursor: Cursor
    tail_from: Cursor | None


async def start_of(wired: Wiring, session: Session, after: str | None) -> Start:
    """Raises MalformedCursor, ForeignCursor, UnknownSession."""
    if after == LATEST:
        end = await wired.session_log.end(session)
        return Start(end, end)
    if not after:
        return Start(await _first(wired, session), None)
    cursor = wired.signer.verify(after, tenant=session.tenant, session_id=session.id)
    if not await wired.session_log.exists(session):
        raise UnknownSession
    return Start(cursor, cursor)


async def ended_before(wired: Wiring, session: Session, start: Start, answer_id: str) -> bool:
    """Whether the answer lies before the start, as far as the cursor itself does not say.

    Only a cursor that was not made for this answer leaves it open: then the records before it are looked through, by their headers.
    """
    cursor = start.tail_from
    if cursor is None or knows_of(cursor, answer_id):
        return False
    async with history_of(wired.session_log, session, tokens=False) as entries:
        async for entry in entries:
            if isinstance(entry, Gap):
                continue
            if entry.epoch != cursor.epoch or entry.record.offset >= cursor.offset:
                return False
            if entry.marks.type in TERMINAL and belongs_to(entry.marks, answer_id):
                return True
    return False


async def where_asked(wired: Wiring, session: Session, query_id: str, sibling: str | None = None, *, after: Cursor | None = None) -> Cursor | None:
    """Where the query's QueryAsked lies, or the RegenerationAsked of another answer, by the records' headers; None if the session has none,
    from the cursor on."""
    wanted = (QueryAsked.__name__, None) if sibling is None else (RegenerationAsked.__name__, sibling.encode())
    async with history_of(wired.session_log, session, after, tokens=False) as entries:
        async for entry in entries:
            if not isinstance(entry, Gap) and entry.marks.correlation == query_id and (entry.marks.type, entry.marks.answer) == wanted:
                return Cursor(entry.epoch, entry.record.partition, entry.record.offset)
    return None


async def _first(wired: Wiring, session: Session) -> Cursor:
    """The first record's cursor. A topic of the session's own begins at 0; in a lane the first record has to be looked for."""
    beginning = await wired.session_log.beginning(session)
    if session.placement == "topic":
        return beginning._replace(offset=0)
    async with history_of(wired.session_log, session) as entries:
        async for entry in entries:
            if not isinstance(entry, Gap):
                return beginning._replace(offset=entry.record.offset)
    return (await wired.session_log.end(session))._replace(whole=beginning.whole)
