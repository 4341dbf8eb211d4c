"""`roxy status`: what of `roxy up` runs, since when, where, and whether it is ready."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from infra import processes
from infra.environment import for_local_cluster
from infra.kafka import live_brokers
from infra.processes import Child
from infra.up import is_ready, server_of
from schemas.settings import Settings


class Part(NamedTuple):
    """A process that was started here."""

    name: str
    state: str  #: ready | starting | ended
    address: str
    pid: int
    uptime_s: float
    memory_mib: float
    log: str


class Status(NamedTuple):
    bootstrap: str
    outside: bool  #: whether the cluster is not ours to start
    brokers: int  #: that answer; 0: Kafka cannot be reached
    state_dir: str
    parts: tuple[Part, ...]


async def status(settings: Settings) -> Status:
    """Look, and change nothing."""
    outside = settings.kafka_bootstrap is not None
    reached = for_local_cluster(settings)
    known = processes.known(settings.state_dir)
    # Nothing of ours runs: no need to wait for a connection that cannot come.
    brokers = await live_brokers(reached) if outside or any(child.alive for child in known) else 0
    parts = await asyncio.gather(*(_part(child, brokers) for child in known))
    return Status(reached.bootstrap, outside, brokers, str(settings.state_dir), tuple(parts))


async def _part(child: Child, brokers: int) -> Part:
    process = child.process
    if process is None:
        return Part(child.name, "ended", child.address, child.pid, 0, 0, str(child.log))
    ready = await _is_ready(child, brokers)
    memory = process.memory_info().rss / 2**20
    return Part(child.name, "ready" if ready else "starting", child.address, child.pid, time.time() - child.created, memory, str(child.log))


async def _is_ready(child: Child, brokers: int) -> bool:
    if child.name.startswith("kafka-"):
        return brokers > 0
    server = server_of(child)
    return await (is_ready if server is None else server.is_ready)(child.address)
