"""`roxy up` and `roxy down`: broker, Weaviate and Ollama where they are used, topics, workers, API processes.

Called by the CLI, the demo and the tests. Guarantees: what runs is left alone, what is absent is started; when `up` returns, every process
has said that it is ready; topics are there before any worker starts; `down` stops readers before what they read from.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection
from typing import NamedTuple

from infra import kafka, ollama, processes, weaviate
from infra.environment import environment, fingerprint, resolve
from infra.kafka_install import Progress
from infra.local_server import LocalServer
from infra.ports import LOOPBACK, require_free
from infra.processes import Child
from infra.topics import Difference, create_topics
from schemas.errors import InvalidSetting, LocalProcessError
from schemas.settings import Settings

_READY_TIMEOUT_S = 180.0  # a worker that loads a model from a cold disk needs 30 s
_POLL_S = 0.1
_HEALTH_PORTS_AFTER_API = 100
_STOP_GRACE_S = 5.0  # beyond ROXY_DRAIN_S

SERVERS = (weaviate.SERVER, ollama.SERVER)

Say = Callable[[str], None]


class Planned(NamedTuple):
    """A process of ours that is to run."""

    name: str  #: `worker-1`, `api-1`
    module: str
    port: int
    address: str  #: host:port where it answers for its health
    changed: dict[str, object]  #: settings that are its own


class Running(NamedTuple):
    """A process that runs and is ready."""

    name: str
    address: str
    pid: int
    log: str
    started: bool  #: by this call
    stale: bool  #: it was started before, with other settings


class Up(NamedTuple):
    """What `up` found or made."""

    bootstrap: str
    settings: Settings  #: resolved: what the processes were told
    topics: tuple[Difference, ...]  #: what was made or mended
    processes: tuple[Running, ...]


async def up(
    settings: Settings,
    *,
    brokers: int | None = None,
    workers: int = 1,
    apis: int = 1,
    only_broker: bool = False,
    with_servers: Collection[LocalServer] = (),
    say: Say = lambda text: None,
    progress: Progress = lambda done, total: None,
) -> Up:
    """Start what does not run yet. Raises LocalProcessError, PortTaken, BrokerNotReady, LogUnavailable, InvalidSetting."""
    with processes.one_command_at_a_time(settings.state_dir):
        cluster = None
        if settings.kafka_bootstrap is None:
            say("Starting Kafka")
            cluster = await kafka.start(settings, brokers=brokers, progress=progress)
        chosen = [server for server in SERVERS if server in with_servers or server.wanted(settings)]
        servers = [_running_server(settings, server.name, await server.start(settings, say)) for server in chosen]
        resolved = resolve(settings, cluster)
        say("Making topics")
        topics = await create_topics(resolved)
        running = [_running_server(settings, node.name, node.name in cluster.started) for node in cluster.nodes] if cluster else []
        running += servers
        if not only_broker:
            say("Starting workers and API")
            running += await _start_ours(resolved, planned(resolved, workers, apis))
    return Up(resolved.bootstrap, resolved, topics, tuple(running))


def down(settings: Settings) -> tuple[Child, ...]:
    """Stop everything that `up` started from this state folder; returns what ran."""
    with processes.one_command_at_a_time(settings.state_dir):
        known = processes.known(settings.state_dir)
        ours = [child for child in known if not child.name.startswith("kafka-") and server_of(child) is None]
        stopped = processes.stop(settings.state_dir, ours, grace_s=settings.drain_s + _STOP_GRACE_S)
        stopped += kafka.stop(settings)
        for server in SERVERS:
            stopped += server.stop(settings)
        for child in known:
            processes.forget(settings.state_dir, child)
    return tuple(stopped)


def server_of(child: Child) -> LocalServer | None:
    """What the process is of, if it is not one of ours."""
    return next((server for server in SERVERS if server.name == child.name), None)


def planned(settings: Settings, workers: int, apis: int) -> list[Planned]:
    """What is to run: workers answer for their health on the ports from ROXY_API_PORT + 100, the API on those from ROXY_API_PORT."""
    if settings.api_port == 0:
        raise InvalidSetting("`roxy up` needs to know the port of the API.", remedy="Set ROXY_API_PORT to a port above 0.")
    return [_planned_worker(settings, i) for i in range(workers)] + [_planned_api(settings, i) for i in range(apis)]


def _planned_worker(settings: Settings, i: int) -> Planned:
    port = settings.api_port + _HEALTH_PORTS_AFTER_API + i
    return Planned(f"worker-{i + 1}", "streams.worker", port, f"{LOOPBACK}:{port}", {"worker_health_port": port})


def _planned_api(settings: Settings, i: int) -> Planned:
    port = settings.api_port + i
    host = LOOPBACK if settings.api_host in ("0.0.0.0", "localhost") else settings.api_host
    return Planned(f"api-{i + 1}", "api.server", port, f"{f'[{host}]' if ':' in host else host}:{port}", {"api_port": port})


async def _start_ours(settings: Settings, plan: list[Planned]) -> list[Running]:
    found = {one.name: processes.find(settings.state_dir, one.name) for one in plan}
    for one in plan:
        if found[one.name] is None:
            require_free(one.port, "ROXY_API_PORT")
    children = [(one, found[one.name] or _start(settings, one)) for one in plan]
    await asyncio.gather(*(_until_ready(one, child) for one, child in children))
    return [_running(settings, one, child, started=found[one.name] is None) for one, child in children]


def _start(settings: Settings, one: Planned) -> Child:
    env = environment(settings, **one.changed)
    argv = [sys.executable, "-P", "-m", one.module]
    return processes.start(
        one.name, argv, state_dir=settings.state_dir, address=one.address, env=env, cwd=settings.state_dir.resolve(), settings=fingerprint(env)
    )


def _running(settings: Settings, one: Planned, child: Child, *, started: bool) -> Running:
    stale = child.settings != fingerprint(environment(settings, **one.changed))
    return Running(one.name, f"http://{child.address}", child.pid, str(child.log), started, stale)


def _running_server(settings: Settings, name: str, started: bool) -> Running:
    child = processes.find(settings.state_dir, name)
    if child is None:
        raise LocalProcessError(f"{name} ended as soon as it was ready. Its log: {processes.log_file(settings.state_dir, name)}.")
    return Running(name, child.address, child.pid, str(child.log), started, False)


async def _until_ready(one: Planned, child: Child) -> None:
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            while not await is_ready(child.address):
                if not child.alive:
                    raise LocalProcessError(f"{one.name} ended while it started. {_log_end(child)}")
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise LocalProcessError(f"{one.name} was not ready after {_READY_TIMEOUT_S:.0f} s. {_log_end(child)}") from error


async def is_ready(address: str) -> bool:
    """Whether the process at host:port says that it is ready."""
    import httpx2

    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            return (await client.get(f"http://{address}/health/ready")).status_code == 200
    except httpx2.TransportError:
        return False


def _log_end(child: Child) -> str:
    return f"The end of {child.log}:\n{processes.last_lines(child.log)}\n"
