"""Session log: append, tail (live) and history (bounded) of one session's records.

Guarantees that every backend gives (tests/contract/test_session_log.py):
- Records of a session keep the order in which they were appended or enqueued by one writer.
- A tail, and a history, begun at a cursor deliver every record from there on exactly once, in order; those of other sessions never.
- A cursor into records that retention has cut, or into a topic that was made again, yields one Gap first, then the records still kept.
- A tail that is not read keeps at most `queue_records` records; then it raises SlowReader. Nothing grows without limit.
- `create` and `forget` may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from schemas.attempts import Marks
from schemas.codec import Context
from schemas.cursor import Cursor
from schemas.events import Event
from schemas.record import Position, Record
from schemas.session_id import Session


class SessionRecord(NamedTuple):
    """A record of one session. What anybody asks of its headers is in `marks`: `record` is without them, for many wait for their readers."""

    record: Record
    marks: Marks
    epoch: UUID  #: id of the topic, for the cursor

    @classmethod
    def of(cls, record: Record, epoch: UUID) -> SessionRecord:
        """As it was read, with its headers."""
        return cls(record._replace(headers=()), Marks.of(record.headers), epoch)


class Gap(NamedTuple):
    """Records between the cursor and `resumes` are gone. The records that follow begin at `resumes`."""

    requested: Cursor
    resumes: Cursor
    reason: Literal["expired", "recreated"]


class Tail(Protocol):
    """A live reader of one session."""

    async def read(self, timeout_s: float) -> Sequence[SessionRecord | Gap]:
        """All records that wait, at least one; empty after `timeout_s` without any.

        Raises SlowReader if more than the bound have waited, LogUnavailable if the log is gone, UnknownSession if the session was forgotten.
        """
        ...


class SessionLog(Protocol):
    """Append, tail, history. Opened and closed with `async with`."""

    async def __aenter__(self) -> SessionLog: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def create(self, session: Session) -> Cursor:
        """Make the session's place if it is not there. Returns the cursor of its first record. Raises InvalidSessionId."""
        ...

    async def exists(self, session: Session) -> bool:
        """Whether the session's place is there; False for an id that cannot be one of this tenant's."""
        ...

    async def forget(self, session: Session) -> None:
        """Delete the session's records. In a lane they only expire: there this does nothing."""
        ...

    async def append(self, session: Session, events: Sequence[Event], context: Context) -> list[Position]:
        """Write events in order and wait until all replicas in sync have them. Raises LogUnavailable, UnknownSession."""
        ...

    async def enqueue(self, session: Session, events: Sequence[Event], context: Context) -> asyncio.Future[list[Position]]:
        """Like append, but returns once the order is fixed. The future holds the positions, or what append would have raised: await it."""
        ...

    async def beginning(self, session: Session) -> Cursor:
        """A cursor before which nothing of the session lies: in a lane, where that was when its id was made. It is `whole` if retention cannot
        have cut any of its records. Raises UnknownSession."""
        ...

    async def end(self, session: Session) -> Cursor:
        """The cursor behind the last record: what is written from now on lies at or after it. Raises UnknownSession."""
        ...

    def tail(self, session: Session, after: Cursor | None) -> AbstractAsyncContextManager[Tail]:
        """A live reader from the cursor on; None: from the session's first kept record. Raises UnknownSession on entering."""
        ...

    def history(self, session: Session, after: Cursor | None = None, *, tokens: bool = True) -> AsyncIterator[SessionRecord | Gap]:
        """The records from the cursor to the end, which is taken first. Without `tokens` those of TokensGenerated are left out, nine of ten:
        a log that knows where the others lie reads them alone. Raises UnknownSession."""
        ...
