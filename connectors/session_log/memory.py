"""Session log in memory: for tests and for trying the API without Kafka. Holds both placements; gone with the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from connectors.session_log.base import Gap, SessionRecord
from connectors.session_log.beginning import begin
from connectors.session_log.subscription import Subscription
from schemas.codec import Context, encode
from schemas.cursor import Cursor
from schemas.errors import UnknownSession
from schemas.events import Event, TokensGenerated
from schemas.record import Position, Record
from schemas.session_id import Session, placement_of
from schemas.topics import SESSIONS, session_topic


class _Topic:
    """A topic with one partition: a session's own, or all lanes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch: UUID = uuid4()
        self.first = 0  # offset of the first kept record
        self.records: list[Record] = []
        self.readers: list[tuple[bytes, Subscription]] = []

    @property
    def end(self) -> int:
        return self.first + len(self.records)

    @property
    def beginning(self) -> Cursor:
        return self.cursor(self.first)._replace(whole=self.first == 0)

    def cursor(self, offset: int) -> Cursor:
        return Cursor(self.epoch, 0, offset)

    def append(self, event: Event, context: Context) -> Position:
        draft = encode(event, context)
        record = Record(self.name, 0, self.end, *draft)
        self.records.append(record)
        for key, reader in self.readers:
            if key == record.key:
                reader.offer(SessionRecord.of(record, self.epoch))
        return record.position

    def kept(self, key: bytes, start: int, end: int) -> list[SessionRecord]:
        records = self.records[max(start - self.first, 0) : end - self.first]
        return [SessionRecord.of(record, self.epoch) for record in records if record.key == key]


class MemorySessionLog:
    """See connectors/session_log/base.py."""

    def __init__(self, queue_records: int = 2_000) -> None:
        self._queue_records = queue_records
        self._topics: dict[str, _Topic] = {SESSIONS.name: _Topic(SESSIONS.name)}

    async def __aenter__(self) -> MemorySessionLog:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._topics.clear()

    async def create(self, session: Session) -> Cursor:
        name = _topic_name(session)
        topic = self._topics.setdefault(name, _Topic(name))
        return topic.cursor(topic.end) if name == SESSIONS.name else topic.beginning

    async def exists(self, session: Session) -> bool:
        return placement_of(session.id, session.tenant) is not None and _topic_name(session) in self._topics

    async def forget(self, session: Session) -> None:
        if session.placement == "topic":
            topic = self._topics.pop(_topic_name(session), None)
            for _, reader in topic.readers if topic else ():
                reader.fail(UnknownSession())

    async def append(self, session: Session, events: Sequence[Event], context: Context) -> list[Position]:
        topic = self._topic(session)
        return [topic.append(event, context) for event in events]

    async def enqueue(self, session: Session, events: Sequence[Event], context: Context) -> asyncio.Future[list[Position]]:
        receipt: asyncio.Future[list[Position]] = asyncio.get_running_loop().create_future()
        receipt.set_result(await self.append(session, events, context))
        return receipt

    async def beginning(self, session: Session) -> Cursor:
        return self._topic(session).beginning

    async def end(self, session: Session) -> Cursor:
        topic = self._topic(session)
        return topic.cursor(topic.end)

    @asynccontextmanager
    async def tail(self, session: Session, after: Cursor | None) -> AsyncIterator[Subscription]:
        topic = self._topic(session)
        reading = begin(topic.beginning, topic.end, after)
        key = session.id.encode()
        reader = Subscription(self._queue_records, [*([reading.gap] if reading.gap else []), *topic.kept(key, reading.offset, topic.end)])
        topic.readers.append((key, reader))
        try:
            yield reader
        finally:
            reader.close()
            topic.readers.remove((key, reader))

    async def history(self, session: Session, after: Cursor | None = None, *, tokens: bool = True) -> AsyncIterator[SessionRecord | Gap]:
        topic = self._topic(session)
        reading = begin(topic.beginning, topic.end, after)
        if reading.gap is not None:
            yield reading.gap
        for record in topic.kept(session.id.encode(), reading.offset, topic.end):
            if tokens or record.marks.type != TokensGenerated.__name__:
                yield record

    def expire(self, session: Session, before: int) -> None:
        """Let retention cut the records below an offset (tests)."""
        topic = self._topic(session)
        del topic.records[: max(before - topic.first, 0)]
        topic.first = max(topic.first, before)

    def _topic(self, session: Session) -> _Topic:
        topic = self._topics.get(_topic_name(session))
        if topic is None:
            raise UnknownSession(f"No session {session.id}.")
        return topic


def _topic_name(session: Session) -> str:
    return session_topic(*session) if session.placement == "topic" else SESSIONS.name
