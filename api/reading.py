"""One reader's way through a session: which records it is shown, and the cursor after each. Streams, long polls and history all read so.

A record that does not count (a stale attempt's, a double) and, where one answer was asked for, one of another answer is passed over:
it is not shown, but the cursor moves past it. What names no answer is of its question's first one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from connectors.session_log.base import Gap, SessionLog, SessionRecord
from schemas.attempts import ASKED, AttemptFilter, Marks, answer_key
from schemas.cursor import Cursor, CursorSigner, OpenAnswer
from schemas.events import TERMINAL, answer_id_of
from schemas.record import Record
from schemas.session_id import Session


class Shown(NamedTuple):
    """A record as a reader is shown it."""

    cursor: str
    type: str
    value: bytes
    record: Record
    marks: Marks

    def as_json(self) -> dict[str, Any]:
        """The value goes in as it is, unless it is no JSON: then null, or the whole page would be unreadable."""
        return {"cursor": self.cursor, "type": self.type, "event": orjson.Fragment(self.value) if _is_json(self.value) else None}


class ShownGap(NamedTuple):
    """A gap as a reader is shown it."""

    requested: str
    resumes: str
    reason: str


class Reading:
    """Where one reader is."""

    def __init__(self, *, session: Session, signer: CursorSigner, start: Cursor, answer: str | None = None) -> None:
        self._session, self._signer, self._answer = session, signer, answer
        self._place: tuple[UUID, int, int] = start[:3]  # epoch, partition, offset; of a cursor for each record only the text is made
        self._filter = AttemptFilter(start.open_answers, whole=start.whole)
        self.ended = answer is not None and is_over(start, answer)

    @property
    def position(self) -> Cursor:
        """Where to go on, and what is known of the answers that are open there."""
        return Cursor(*self._place, self._filter.open_answers, self._filter.whole)

    @property
    def cursor(self) -> str:
        """The same, as text to hand out."""
        return self._sign(self.position)

    def show(self, entries: Sequence[SessionRecord | Gap]) -> list[Shown | ShownGap]:
        """What of these the reader is shown. Nothing after the end."""
        shown: list[Shown | ShownGap] = []
        for entry in entries:
            if self.ended:
                break
            one = self._pass_gap(entry) if isinstance(entry, Gap) else self._pass_record(entry)
            if one is not None:
                shown.append(one)
        return shown

    def _pass_record(self, entry: SessionRecord) -> Shown | None:
        record, marks, epoch = entry
        counts = self._filter.admits(marks)
        self._place = (epoch, record.partition, record.offset + 1)
        if not counts or record.value is None or (self._answer is not None and not belongs_to(marks, self._answer)):
            return None
        self.ended = self._answer is not None and marks.type in TERMINAL
        return Shown(self.cursor, marks.type, record.value, record, marks)

    def _pass_gap(self, gap: Gap) -> ShownGap:
        if gap.resumes.epoch != self._place[0]:  # another topic of that name: what was known is of answers that are gone
            self._filter = AttemptFilter()
        self._place, self._filter.whole = gap.resumes[:3], gap.resumes.whole
        return ShownGap(self._sign(gap.requested), self.cursor, gap.reason)

    def _sign(self, cursor: Cursor) -> str:
        return self._signer.sign(cursor, tenant=self._session.tenant, session_id=self._session.id)


@asynccontextmanager
async def history_of(
    log: SessionLog, session: Session, after: Cursor | None = None, *, tokens: bool = True
) -> AsyncIterator[AsyncIterator[SessionRecord | Gap]]:
    """The log's history, whose reader is closed as soon as it is left, even in the middle."""
    entries = log.history(session, after, tokens=tokens)
    try:
        yield entries
    finally:
        if isinstance(entries, AsyncGenerator):
            await entries.aclose()


def belongs_to(marks: Marks, answer_id: str) -> bool:
    """Whether a record is of the answer, or of the question whose first one it is."""
    if marks.answer is not None:
        return marks.answer == answer_id.encode()
    return answer_id_of(marks.correlation) == answer_id


def expecting(cursor: Cursor, answer_id: str) -> Cursor:
    """The cursor of somebody who has asked and waits for the answer's first record: it says that the answer is not over before it."""
    return cursor._replace(open_answers=(OpenAnswer(_key(answer_id), attempt=-1, next_index=0),))


def knows_of(cursor: Cursor, answer_id: str) -> bool:
    """Whether the cursor itself says how far the answer is. That it was asked for may have been said once more, behind its end."""
    return any(state.answer == _key(answer_id) and state.attempt != ASKED for state in cursor.open_answers)


def is_over(cursor: Cursor, answer_id: str) -> bool:
    """Whether the cursor itself says that the answer ended before it."""
    return any(state.answer == _key(answer_id) and state.next_index < 0 for state in cursor.open_answers)


def _key(answer_id: str) -> bytes:
    return answer_key(answer_id.encode())


def _is_json(value: bytes) -> bool:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True
