"""The session log's backends as the contract suite sees them: the log, a second process on the same log, and retention on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from connectors.kafka.producer import Producer
from connectors.session_log.base import Gap, SessionLog, SessionRecord, Tail
from connectors.session_log.kafka import KafkaSessionLog
from connectors.session_log.memory import MemorySessionLog
from schemas.cursor import Cursor
from schemas.record import Position
from schemas.session_id import Session, new_session_id
from schemas.settings import Placement, Settings
from tests.builders import CONTEXT, a_query

PATIENCE_S = 20.0  # for what must come; only a broken backend takes so long


class Backend(NamedTuple):
    """Which one."""

    kind: Literal["memory", "kafka"]
    placement: Placement
    settings: Settings | None


class Bench:
    """A backend under test."""

    def __init__(self, log: SessionLog, elsewhere: SessionLog, backend: Backend) -> None:
        self.log, self.elsewhere = log, elsewhere  #: two processes on one log
        self.backend = backend

    async def session(self, tenant: str = "default") -> Session:
        """A session that is there."""
        session = Session(tenant, new_session_id(tenant, self.backend.placement))
        await self.log.create(session)
        return session

    async def neighbour(self, session: Session, tenant: str = "default") -> Session:
        """Another session; in a lane, one of the same lane."""
        lane = (await self.log.create(session)).partition
        while True:
            other = Session(tenant, new_session_id(tenant, self.backend.placement))
            if (await self.log.create(other)).partition == lane:
                return other

    async def write(self, session: Session, count: int, start: int = 0) -> list[Position]:
        """Questions q<start>…, appended one after the other."""
        return [(await self.log.append(session, [a_query(session, f"q{number}")], CONTEXT))[0] for number in range(start, start + count)]

    async def cursor(self, session: Session, position: Position) -> Cursor:
        return (await self.log.end(session))._replace(partition=position.partition, offset=position.offset)

    async def expire(self, session: Session, before: Position) -> None:
        """Let retention cut what lies before that record."""
        if isinstance(self.log, MemorySessionLog):
            self.log.expire(session, before.offset)
            return
        assert self.backend.settings is not None
        async with _admin(self.backend.settings) as admin:
            await admin.delete_records({TopicPartition(before.topic, before.partition): RecordsToDelete(before_offset=before.offset)})


@asynccontextmanager
async def open_bench(backend: Backend, queue_records: int = 2_000) -> AsyncIterator[Bench]:
    """Connected, and closed again. `queue_records`: the bound of a slow reader."""
    if backend.settings is None:
        async with MemorySessionLog(queue_records=queue_records) as memory:
            yield Bench(memory, memory, backend)
        return
    settings = backend.settings.model_copy(update={"sse_queue_records": queue_records})
    async with AsyncExitStack() as stack:
        log, elsewhere = [await stack.enter_async_context(KafkaSessionLog(settings)) for _ in range(2)]
        yield Bench(log, elsewhere, backend)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


def lose_count(producer: Producer, written: Position) -> None:
    """Count a record of the partition that is never sent, as aiokafka does with a batch that expires while it has no leader."""
    producer._producer._txn_manager.increment_sequence_number(TopicPartition(written.topic, written.partition), 1)


def names(found: Sequence[SessionRecord | Gap]) -> list[str]:
    """Query ids of records; the reason of a gap."""
    return [entry.reason if isinstance(entry, Gap) else entry.marks.correlation for entry in found]


def asked(numbers: range) -> list[str]:
    return [f"q{number}" for number in numbers]


async def read(tail: Tail, count: int) -> list[SessionRecord | Gap]:
    """So many entries, and nothing after them that waits already."""
    found: list[SessionRecord | Gap] = []
    while len(found) < count:
        entries = await tail.read(PATIENCE_S)
        assert entries, f"only {names(found)} came"
        found += entries
    return found


async def history(log: SessionLog, session: Session, after: Cursor | None = None) -> list[SessionRecord | Gap]:
    return [entry async for entry in log.history(session, after)]
