"""Settling: after the faults, until nothing is under way any more: no question, no document, no record that an agent has not acknowledged, no chunk
that is not in Weaviate yet."""

from __future__ import annotations

import asyncio
import time

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from infra.shared_index import change
from schemas.errors import Unavailable
from schemas.settings import Settings
from tests.robustness.system import System
from tests.robustness.traffic.world import World

TIMEOUT_S = 180.0  #: of one answer's ROXY_STEP_TIMEOUT_S, and a take-over
_LOOK_S = 0.5


async def settle(system: System, world: World) -> bool:
    """Whether all is quiet, within the time."""
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        if not any(world.under_way.values()) and await unread(system.settings) == 0 and await unwritten(system) == 0:
            return True
        await asyncio.sleep(_LOOK_S)
    return False


async def unread(settings: Settings) -> int:
    """Records that the agents have not acknowledged; -1 if the brokers do not say."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)
    try:
        await admin.start()
        await consumer.start()
        done = {one: at.offset for one, at in (await admin.list_consumer_group_offsets(settings.consumer_group)).items()}
        watched = [TopicPartition(name, number) for name in {one.topic for one in done} for number in range(settings.partitions)]
        ends = await consumer.end_offsets(watched)
        return sum(max(end - max(done.get(one, 0), 0), 0) for one, end in ends.items())
    except KafkaError:
        return -1
    finally:
        await consumer.stop()
        await admin.close()


async def unwritten(system: System) -> int:
    """Records of `chunks` that Weaviate does not have yet, where it is what is searched; -1 if it does not say."""
    if not system.mix.weaviate:
        return 0
    try:
        return (await change(system.settings)).lag
    except Unavailable:
        return -1
