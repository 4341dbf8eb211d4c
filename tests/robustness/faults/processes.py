"""Faults of processes: killed, told to stop, paused; workers that come and go; the broker that leads."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
from aiokafka.admin import AIOKafkaAdminClient

from tests.robustness.mixes import WORKERS
from tests.robustness.system import System

VISITOR = f"worker-{len(WORKERS) + 1}"  #: a worker that stays for a moment
_VISITS_S = 1.5
_STILL_S, _MOVES_S = 0.2, 0.05
STEP_S = 50.0  #: of what machines may differ by: a minute (connectors/session_log/kafka_places.py)


@asynccontextmanager
async def killed(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """SIGKILL; in the end it is started again."""
    await system.end(name, signal.SIGKILL)
    yield {}
    await system.start(name)


@asynccontextmanager
async def stopped(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """SIGTERM; in the end it is started again."""
    detail: dict[str, Any] = {"ended_by_itself": await system.end(name, signal.SIGTERM)}
    yield detail
    await system.start(name)


@asynccontextmanager
async def paused(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """SIGSTOP, then SIGCONT: it wakes up and does not know that time has gone by."""
    system.signal(name, signal.SIGSTOP)
    try:
        yield {}
    finally:
        system.signal(name, signal.SIGCONT)


@asynccontextmanager
async def clock_set(system: System, name: str, *, by_s: float) -> AsyncIterator[dict[str, Any]]:
    """Its clock is set forward, or back, then to what is right."""
    system.set_clock(name, by_s)
    yield {"by_s": by_s}
    system.set_clock(name, 0)


@asynccontextmanager
async def slowed(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """It stands still most of the time, as one on a slow disk does."""
    slowing = asyncio.create_task(_stutter(system, name))
    try:
        yield {"stands_still": _STILL_S / (_STILL_S + _MOVES_S)}
    finally:
        slowing.cancel()
        await asyncio.gather(slowing, return_exceptions=True)
        system.signal(name, signal.SIGCONT)


@asynccontextmanager
async def disk_full(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """Whatever the broker writes fails, as on a full disk; it gives up then, and is started again once there is room."""
    child = system.child(name)
    if child is not None and child.process is not None:
        child.process.rlimit(psutil.RLIMIT_FSIZE, (0, psutil.RLIM_INFINITY))
    detail: dict[str, Any] = {}
    yield detail
    detail["gave_up"] = system.child(name) is None
    await system.end(name, signal.SIGKILL)
    await system.start(name)


async def _stutter(system: System, name: str) -> None:
    while True:
        system.signal(name, signal.SIGSTOP)
        await asyncio.sleep(_STILL_S)
        system.signal(name, signal.SIGCONT)
        await asyncio.sleep(_MOVES_S)


@asynccontextmanager
async def rebalance_storm(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """A worker more comes and goes, again and again: each time the partitions are shared out anew."""
    detail: dict[str, Any] = {"visits": 0}
    coming = asyncio.create_task(_come_and_go(system, detail))
    try:
        yield detail
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await system.end(VISITOR, signal.SIGTERM)


async def _come_and_go(system: System, detail: dict[str, Any]) -> None:
    while True:
        await system.start(VISITOR)
        detail["visits"] += 1
        await asyncio.sleep(_VISITS_S)
        await system.end(VISITOR, signal.SIGKILL if detail["visits"] % 2 else signal.SIGTERM)


async def leader(system: System) -> str:
    """The broker that leads the first partition of `queries`; of one broker, that one."""
    if system.mix.brokers == 1:
        return "kafka-1"
    admin = AIOKafkaAdminClient(bootstrap_servers=system.settings.bootstrap)
    await admin.start()
    try:
        (topic,) = await admin.describe_topics(["queries"])
    finally:
        await admin.close()
    first = min(topic["partitions"], key=lambda partition: int(partition["partition"]))
    return f"kafka-{first['leader']}"
