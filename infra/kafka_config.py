"""The files of a local Kafka node: where it listens, where it stores, what it is told.

Pure but for `write_files`. Called by `infra.kafka`. Every node is broker and controller at once (KRaft), and listens on loopback only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from infra.ports import LOOPBACK
from infra.processes import make_dir


class Node(NamedTuple):
    """One broker and controller."""

    id: int  #: from 1
    port: int
    controller_port: int
    folder: Path
    advertised_port: int  #: that clients, and other brokers, are told to come to

    @property
    def name(self) -> str:
        return f"kafka-{self.id}"

    @property
    def log_dir(self) -> Path:
        """Where Kafka keeps the records."""
        return self.folder / "data"

    @property
    def properties_file(self) -> Path:
        return self.folder / "server.properties"

    @property
    def log4j_file(self) -> Path:
        return self.folder / "log4j2.properties"

    @property
    def formatted(self) -> bool:
        return (self.log_dir / "meta.properties").exists()


def nodes(kafka_dir: Path, first_port: int, brokers: int, advertised: Sequence[int] = ()) -> tuple[Node, ...]:
    """Brokers take the first ports, their controllers the ports after. `advertised`: where something stands before them, its ports."""
    told = advertised or range(first_port, first_port + brokers)
    return tuple(Node(i + 1, first_port + i, first_port + brokers + i, kafka_dir / f"node-{i + 1}", told[i]) for i in range(brokers))


def bootstrap(cluster: tuple[Node, ...]) -> str:
    return ",".join(f"{LOOPBACK}:{node.port}" for node in cluster)


def replication(brokers: int) -> tuple[int, int]:
    """Replication factor and min.insync.replicas: with three brokers one may be lost and writing goes on."""
    replicas = min(brokers, 3)
    return replicas, max(1, replicas - 1)


def server_properties(node: Node, cluster: tuple[Node, ...]) -> dict[str, str]:
    """The node's configuration, by Kafka's names (https://kafka.apache.org/documentation/#brokerconfigs)."""
    voters = ",".join(f"{other.id}@{LOOPBACK}:{other.controller_port}" for other in cluster)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{node.port},CONTROLLER://{LOOPBACK}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{node.advertised_port}",
        "log.dirs": str(node.log_dir),
        **_replication_properties(len(cluster)),
        **_SAME_ON_ALL,
    }


_SAME_ON_ALL = {
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "group.initial.rebalance.delay.ms": "0",  # 3 s by default: the first worker would wait that long
    "offsets.retention.minutes": str(30 * 24 * 60),  # a week by default: workers that were down for longer would begin each topic anew
    "offsets.topic.num.partitions": "8",  # 50 by default: made at the first join, and opened at each start
    "transaction.state.log.num.partitions": "8",
    "share.coordinator.state.topic.num.partitions": "8",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),  # 128 MiB by default, taken from the heap at once; 32 MiB hold 1.2 M keys
    "broker.session.timeout.ms": "4500",  # a killed broker leaves the in-sync replicas after 4.5 s, not 9: writes wait for that
    "broker.heartbeat.interval.ms": "750",
}


def _replication_properties(brokers: int) -> dict[str, str]:
    replicas, min_insync = (str(n) for n in replication(brokers))
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": min_insync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": min_insync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": min_insync,
    }


# Root at WARN: at INFO every topic of every session would leave some twenty lines, and nothing rotates the log of a detached process.
_LOG4J = """\
rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = STDOUT
appender.stdout.type = Console
appender.stdout.name = STDOUT
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %p %m (%c)%n%throwable
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = INFO
"""


def write_files(node: Node, cluster: tuple[Node, ...]) -> None:
    """Write the node's files. Raises LocalProcessError."""
    make_dir(node.folder, "ROXY_STATE_DIR")
    properties = server_properties(node, cluster)
    node.properties_file.write_text("".join(f"{name}={_escaped(value)}\n" for name, value in properties.items()))
    node.log4j_file.write_text(_LOG4J)


def _escaped(value: str) -> str:
    """A value in a Java properties file: a backslash there starts an escape."""
    return value.replace("\\", "\\\\")
