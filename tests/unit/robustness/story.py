"""Story: builds a history: what happened to a few sessions and documents, in the log and in the eyes of those who watched. No I/O."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.reading import Reading, Shown
from connectors.session_log.base import SessionRecord
from schemas.codec import Context, encode
from schemas.cursor import Cursor, CursorSigner
from schemas.event import Event
from schemas.events import SessionEvent
from schemas.record import Record
from schemas.session_id import Session
from schemas.topics import JOURNAL, SESSIONS, session_topic
from tests.robustness.history import Connection, Ending, Found, Frame, History, Kept, Kind, Operation, Outcome, Run
from tests.robustness.recorder import frame_of

SECRET = "of this story"
AT = "2026-11-21T12:00:00.000Z"
EPOCH = UUID(int=7)
CONTEXT = Context("/roxy/test", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


class Story:
    """What has happened so far. Each thing takes a second."""

    def __init__(self) -> None:
        self.topics: dict[str, list[Record]] = {}
        self.operations: list[Operation] = []
        self.connections: list[Connection] = []
        self._second = 0

    # ------------------------------------------------------------------ the log

    def write(self, *events: Event) -> Record:
        """To the topic that the table names for each. Returns the last one's record."""
        return [self._append(JOURNAL[type(event)].name, event) for event in events][-1]

    def in_session(self, *events: SessionEvent) -> None:
        """To the session's own place."""
        for event in events:
            self._append(place_of(Session(event.tenant, event.session_id)), event)

    def take_out(self, topic: str, key: str) -> None:
        """A tombstone."""
        self._put(topic, key.encode(), None, ())

    def _append(self, topic: str, event: Event) -> Record:
        return self._put(topic, *encode(event, CONTEXT))

    def _put(self, topic: str, key: bytes, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> Record:
        records = self.topics.setdefault(topic, [])
        records.append(Record(topic, 0, len(records), key, value, headers))
        return records[-1]

    # ------------------------------------------------------------------ its clients

    def second(self) -> float:
        self._second += 1
        return float(self._second)

    def did(self, kind: Kind, tenant: str, outcome: Outcome = "ok", response: dict[str, Any] | None = None, **request: Any) -> Operation:
        """An operation that begins and ends now."""
        start, status = self.second(), {"ok": 202, "refused": 429, "unknown": None}[outcome]
        self.operations.append(Operation("c1", kind, tenant, start, start + 0.5, AT, request, outcome, status, response or {}))
        return self.operations[-1]

    def reads(self, session: Session, reader: str, *, answer: str | None = None, cuts: tuple[int, ...] = (), last: Ending = "caught-up") -> None:
        """All that there is for this reader by now, over connections that end after so many frames, and a last one."""
        frames, after = self._shown(session, answer), None
        for ending, most in (*(("cut", most) for most in cuts), (last, len(frames))):
            self._connect(session, reader, answer, after, frames[:most], "cut" if ending == "cut" else last)
            after = frames[:most][-1].cursor if frames[:most] else after
            frames = frames[most:]

    def _connect(self, session: Session, reader: str, answer: str | None, after: str | None, frames: list[Frame], ended: Ending) -> None:
        start = self.second()
        about = ("r1", reader, *session, start, start + 0.5, AT)
        self.connections.append(Connection(*about, after, None, ended, 200, tuple(frames), answer))

    def cursor(self, session: Session) -> str:
        """The session's end as it is now: what a reply tells whoever asks."""
        end = Cursor(EPOCH, 0, len(self.topics.get(place_of(session), [])))
        return CursorSigner(SECRET.encode()).sign(end, tenant=session.tenant, session_id=session.id)

    def _shown(self, session: Session, answer: str | None) -> list[Frame]:
        """By the API's own reading."""
        start = Cursor(EPOCH, 0, 0, whole=True)
        reading = Reading(session=session, signer=CursorSigner(SECRET.encode()), start=start, answer=answer)
        entries = [SessionRecord.of(record, EPOCH) for record in self._of(session)]
        shown = [one for one in reading.show(entries) if isinstance(one, Shown)]
        return [frame_of(self.second(), one.cursor, one.type, one.value) for one in shown]

    def _of(self, session: Session) -> list[Record]:
        records = self.topics.get(place_of(session), [])
        return [record for record in records if record.key == session.id.encode() and record.header("tenant") == session.tenant]

    # ------------------------------------------------------------------ all of it

    def told(self, found: Found) -> History:
        """When all is quiet."""
        topics = {name: tuple(records) for name, records in self.topics.items()}
        kept = {name: Kept(str(EPOCH), {0: 0}, {0: len(records)}) for name, records in topics.items()}
        quiet = self.second() + 600
        tenants = tuple(sorted({one.tenant for one in self.operations}))
        run = Run(1, AT, {}, (), quiet, quiet + 10, SECRET, 120.0, kept, found, tenants)
        return History(run, tuple(self.operations), tuple(self.connections), topics)


def place_of(session: Session) -> str:
    """The topic that holds the session."""
    return session_topic(*session) if session.placement == "topic" else SESSIONS.name
