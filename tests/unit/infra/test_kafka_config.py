"""The files of a local Kafka node."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.kafka_config import bootstrap, nodes, replication, server_properties


def test_brokers_take_the_first_ports_and_their_controllers_the_ports_after() -> None:
    """Ports are predictable: ROXY_KAFKA_PORT is where clients go."""
    cluster = nodes(Path("kafka"), 9092, 3)

    assert [(node.port, node.controller_port) for node in cluster] == [(9092, 9095), (9093, 9096), (9094, 9097)]
    assert bootstrap(cluster) == "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094"


@pytest.mark.parametrize(("brokers", "expected"), [(1, (1, 1)), (2, (2, 1)), (3, (3, 2))])
def test_three_brokers_may_lose_one_and_go_on(brokers: int, expected: tuple[int, int]) -> None:
    """Replication factor and min.insync.replicas by the number of brokers."""
    assert expected == replication(brokers)


def test_every_listener_is_on_loopback() -> None:
    """A broker without authentication must not be reached from another machine."""
    cluster = nodes(Path("kafka"), 9092, 3)
    properties = server_properties(cluster[0], cluster)

    listeners = [part for name in ("listeners", "advertised.listeners") for part in properties[name].split(",")]

    assert all("://127.0.0.1:" in listener for listener in listeners)


def test_internal_topics_are_replicated_as_the_others_are() -> None:
    """Losing one of three brokers must not lose consumers' offsets either."""
    cluster = nodes(Path("kafka"), 9092, 3)
    properties = server_properties(cluster[2], cluster)

    assert properties["offsets.topic.replication.factor"] == "3"
    assert properties["transaction.state.log.min.isr"] == "2"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:9095,2@127.0.0.1:9096,3@127.0.0.1:9097"
    assert properties["auto.create.topics.enable"] == "false"
