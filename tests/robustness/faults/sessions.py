"""Faults of one session's log, under a reader: its topic is deleted, or retention cuts what the reader has still to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from schemas.topics import session_topic
from tests.robustness.system import System
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.reader import Reader
from tests.robustness.traffic.world import World

_READ_BEFORE = 3  # frames


@asynccontextmanager
async def session_forgotten(client: Client, world: World) -> AsyncIterator[dict[str, Any]]:
    """Its topic goes while it is read."""
    session = _with_a_topic(client, world)
    if session is None:
        yield {"done": False}
        return
    world.begin(Reader(client, session).follow(world))
    await asyncio.sleep(client.chance.random())
    world.forgot(client.tenant, session)
    reply = await client.do("forget", "DELETE", f"/v1/sessions/{session}", told={"session": session})
    yield {"tenant": client.tenant, "session": session, "done": reply.ok}


@asynccontextmanager
async def retention_cut(system: System, client: Client, world: World) -> AsyncIterator[dict[str, Any]]:
    """Somebody has read the beginning of a session; what comes next is gone when they return."""
    session = _with_a_topic(client, world)
    if session is None:
        yield {"done": False}
        return
    reader = Reader(client, session)
    await reader.connect(world, leave_after=_READ_BEFORE)
    topic = session_topic(client.tenant, session)
    before = await _cut(system, topic)
    yield {"tenant": client.tenant, "session": session, "topic": topic, "before": before, "done": before is not None}
    world.begin(reader.follow(world))


def _with_a_topic(client: Client, world: World) -> str | None:
    """One that somebody was answered in; for there has to be something to lose. A lane's records are no one session's to cut."""
    known = [one.session for one in world.answered[client.tenant] if one.session.startswith("t") and one.session in world.sessions[client.tenant]]
    return client.chance.choice(known) if known else None


async def _cut(system: System, topic: str) -> int | None:
    """All that is there now but the last record; None where another fault has taken the broker away: then it may have been cut, or not."""
    partition = TopicPartition(topic, 0)
    admin, consumer = (one(bootstrap_servers=system.settings.bootstrap) for one in (AIOKafkaAdminClient, AIOKafkaConsumer))
    try:
        await admin.start()
        await consumer.start()
        before = max(int((await consumer.end_offsets([partition]))[partition]) - 1, 0)
        await admin.delete_records({partition: RecordsToDelete(before_offset=before)})
        return before
    except (KafkaError, OSError):
        return None
    finally:
        await consumer.stop()
        await admin.close()
