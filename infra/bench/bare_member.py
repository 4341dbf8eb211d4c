"""Bare members of a consumer group, as processes of their own: one is killed, the other reads on. The baseline of `roxy bench survival`.

What a take-over takes with aiokafka alone: nobody is given a dead member's partitions sooner.
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process

import uvloop
from aiokafka import AIOKafkaConsumer

from connectors.kafka.client import client_options
from infra.environment import environment
from schemas.settings import Settings, load_settings
from schemas.topics import QUERIES

_SETTLED_S = 4.0  # without a line: the group has its members
_PATIENCE_S = 60.0


async def pauses_ms(settings: Settings) -> list[float]:
    """Kill one of two: how long until the other has a record of each partition, in ms. There are records in `queries`."""
    first, second = await _member(settings), await _member(settings)
    try:
        await asyncio.gather(_settled(first), _settled(second))
        killed = time.time_ns()
        first.kill()
        return [(moment - killed) / 1e6 for moment in await _settled(second)]
    finally:
        for member in (first, second):
            if member.returncode is None:
                member.kill()
            await member.wait()


async def _member(settings: Settings) -> Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", __name__, stdout=PIPE, env=environment(settings))


async def _settled(member: Process) -> list[int]:
    """When each line came, from the first until none comes any more."""
    assert member.stdout is not None
    moments: list[int] = []
    while True:
        try:
            async with asyncio.timeout(_SETTLED_S if moments else _PATIENCE_S):
                await member.stdout.readline()
        except TimeoutError:
            return moments
        moments.append(time.time_ns())


async def read(settings: Settings) -> None:
    """Print the partition of each first record, until killed. Nothing is committed: whoever is given a partition reads it from its beginning."""
    timeout_ms = int(settings.session_timeout_s * 1_000)
    consumer = AIOKafkaConsumer(
        QUERIES.name,
        **client_options(settings),
        group_id=f"{settings.consumer_group}-bare",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=timeout_ms,
        heartbeat_interval_ms=timeout_ms // 16,
    )
    async with consumer:
        async for record in consumer:
            if record.offset == 0:
                print(record.partition, flush=True)


if __name__ == "__main__":
    uvloop.run(read(load_settings()))
