"""The local Kafka: one broker, or three, on this machine, in the state folder.

Called by `infra.up` and by the tests. Guarantees: what was stored is there again after a restart; a start of what runs already does
nothing; `start` returns when every broker answers, or raises with the end of its log.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from connectors.kafka.admin import open_kafka_admin
from infra import kafka_config, processes
from infra.kafka_config import Node
from infra.kafka_install import Progress, install
from infra.kafka_jvm import format_storage, server_argv
from infra.ports import LOOPBACK, is_open, require_free
from infra.processes import Child
from schemas.errors import BrokerNotReady, InvalidSetting, LogUnavailable, RoxyError
from schemas.settings import Settings

READY_TIMEOUT_S = 90.0  # 4 s on a quiet 2-core machine, three brokers 8 s
_POLL_S = 0.05
STOP_GRACE_S = 30.0  # a controlled shutdown takes 0.5 s; KILL would mean a log recovery at the next start


class Cluster(NamedTuple):
    """What runs: its nodes, and how clients reach it."""

    nodes: tuple[Node, ...]
    started: tuple[str, ...]  #: names of the nodes that this call started

    @property
    def bootstrap(self) -> str:
        return kafka_config.bootstrap(self.nodes)

    @property
    def replicas(self) -> int:
        return kafka_config.replication(len(self.nodes))[0]

    @property
    def min_insync(self) -> int:
        return kafka_config.replication(len(self.nodes))[1]


async def start(
    settings: Settings, *, brokers: int | None = None, advertised: Sequence[int] = (), progress: Progress = lambda done, total: None
) -> Cluster:
    """Start what does not run yet, and wait until every broker answers.

    `brokers` None: as many as the state folder holds, else 1. `advertised`: a port for each that clients are told instead of its own.
    Raises PortTaken, BrokerNotReady, InvalidSetting, LocalProcessError.
    """
    count, cluster_id = _identity(settings.state_dir, brokers)
    nodes = kafka_config.nodes(_kafka_dir(settings.state_dir), settings.kafka_port, count, advertised)
    absent = [node for node in nodes if processes.find(settings.state_dir, node.name) is None]
    if absent:
        await asyncio.to_thread(_start_nodes, settings, nodes, absent, cluster_id, progress)
    await _until_ready(settings, nodes)
    return Cluster(nodes, tuple(node.name for node in absent))


def stop(settings: Settings) -> list[Child]:
    """Stop the brokers that run; returns them."""
    children = [child for child in processes.known(settings.state_dir) if child.name.startswith("kafka-")]
    return processes.stop(settings.state_dir, children, grace_s=STOP_GRACE_S)


def stored(settings: Settings) -> Cluster | None:
    """The cluster that the state folder holds, running or not."""
    file = _identity_file(settings.state_dir)
    if not file.exists():
        return None
    count, _ = _identity(settings.state_dir, None)
    return Cluster(kafka_config.nodes(_kafka_dir(settings.state_dir), settings.kafka_port, count), ())


def _start_nodes(settings: Settings, nodes: tuple[Node, ...], absent: Sequence[Node], cluster_id: str, progress: Progress) -> None:
    for node in absent:
        require_free(node.port, "ROXY_KAFKA_PORT")
        require_free(node.controller_port, "ROXY_KAFKA_PORT")
    classpath = install(settings.cache_dir, progress)
    for node in absent:
        kafka_config.write_files(node, nodes)
    with ThreadPoolExecutor() as threads:  # list(): raise what a thread raised
        list(threads.map(lambda node: format_storage(node, classpath, cluster_id, settings.state_dir), [n for n in absent if not n.formatted]))
    for node in absent:
        argv = server_argv(node, classpath, len(nodes))
        processes.start(node.name, argv, state_dir=settings.state_dir, address=f"{LOOPBACK}:{node.port}", cwd=node.folder)


async def _until_ready(settings: Settings, nodes: tuple[Node, ...]) -> None:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            for node in nodes:
                await _until_open(settings.state_dir, node)
            while await live_brokers(settings.model_copy(update={"kafka_bootstrap": kafka_config.bootstrap(nodes)})) < len(nodes):
                _require_alive(settings.state_dir, nodes)
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise BrokerNotReady(f"The local Kafka was not ready after {READY_TIMEOUT_S:.0f} s. {_log_ends(settings.state_dir, nodes)}") from error


async def _until_open(state_dir: Path, node: Node) -> None:
    while not is_open(node.port):
        _require_alive(state_dir, (node,))
        await asyncio.sleep(_POLL_S)


async def live_brokers(settings: Settings) -> int:
    """How many brokers the cluster says it has; 0 if none answers. An open port is not enough: a broker listens before it serves."""
    log = logging.getLogger("aiokafka")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it logs every failed try as an error
    try:
        async with open_kafka_admin(settings, "roxy-probe") as admin:
            return await admin.brokers()
    except LogUnavailable:
        return 0
    finally:
        log.setLevel(level)


def _require_alive(state_dir: Path, nodes: Sequence[Node]) -> None:
    for node in nodes:
        if processes.find(state_dir, node.name) is None:
            raise BrokerNotReady(f"{node.name} ended while it started. {_log_ends(state_dir, (node,))}")


def _log_ends(state_dir: Path, nodes: Sequence[Node]) -> str:
    logs = [processes.log_file(state_dir, node.name) for node in nodes]
    return "\n".join(f"The end of {log}:\n{processes.last_lines(log)}\n" for log in logs)


def _identity(state_dir: Path, brokers: int | None) -> tuple[int, str]:
    """How many brokers the cluster has, and its id: chosen at the first start and kept, for the stored records belong to them."""
    file = _identity_file(state_dir)
    if not file.exists():
        processes.make_dir(file.parent, "ROXY_STATE_DIR")
        file.write_text(json.dumps({"brokers": brokers or 1, "cluster_id": _new_cluster_id()}))
    try:
        kept = json.loads(file.read_text())
        count, cluster_id = int(kept["brokers"]), str(kept["cluster_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise RoxyError(f"{file} cannot be read.", remedy=f"Remove {file.parent} to start with an empty cluster.") from error
    if brokers is not None and brokers != count:
        detail = f"The state folder holds a cluster of {count} broker{'s' if count > 1 else ''}, not of {brokers}."
        raise InvalidSetting(detail, remedy=f"Leave --brokers out, set ROXY_STATE_DIR to another folder, or remove {file.parent} and its records.")
    return count, cluster_id


def _new_cluster_id() -> str:
    """A UUID as Kafka writes them: 22 characters of URL-safe base64, not starting with a dash, which a command line would take for an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()).startswith("-"):
        continue
    return text


def _kafka_dir(state_dir: Path) -> Path:
    return state_dir / "kafka"


def _identity_file(state_dir: Path) -> Path:
    return _kafka_dir(state_dir) / "cluster.json"
