"""`roxy up --only-broker`, `status`, `topics`, `down`: a real Kafka, started as a user starts it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.kafka.admin import open_kafka_admin
from infra import kafka
from infra.ports import free_block
from infra.up import down
from schemas.settings import Settings
from schemas.topics import TOPICS
from tests.acceptance.roxy_command import Ran, roxy

UP = ("up", "--only-broker", "--json")


def local(state_dir: Path, ports: int = 2) -> Settings:
    """Settings of a broker of the test's own."""
    return Settings(state_dir=state_dir, kafka_port=free_block(ports), embedder="none")


@pytest.fixture(scope="module")
def one_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Ran]]:
    """A broker that `roxy up` started, and what that printed."""
    settings = local(tmp_path_factory.mktemp("one"))
    try:
        yield settings, roxy(settings, *UP)
    finally:
        down(settings)


def test_up_says_where_kafka_is_and_makes_every_topic(one_broker: tuple[Settings, Ran]) -> None:
    """When it returns, the broker answers and the topics are there."""
    settings, up = one_broker

    assert up.exit_code == 0, up.stderr
    assert up.json["bootstrap"] == f"127.0.0.1:{settings.kafka_port}"
    assert {topic.name for topic in TOPICS} == {difference["topic"] for difference in up.json["topics"]}


def test_a_second_up_leaves_what_runs_alone(one_broker: tuple[Settings, Ran]) -> None:
    """Same process, no topic touched."""
    settings, first = one_broker

    again = roxy(settings, *UP)

    assert again.exit_code == 0, again.stderr
    assert again.json["topics"] == []
    assert [(one["pid"], one["started"]) for one in again.json["processes"]] == [(one["pid"], False) for one in first.json["processes"]]


def test_status_names_the_process_and_its_log(one_broker: tuple[Settings, Ran]) -> None:
    """Enough to find out what is wrong, were it wrong."""
    settings, up = one_broker

    found = roxy(settings, "status", "--json").json
    part = found["parts"][0]

    assert (found["brokers"], found["outside"]) == (1, False)
    assert (part["name"], part["state"], part["pid"]) == ("kafka-1", "ready", up.json["processes"][0]["pid"])
    assert Path(part["log"]).read_text().count("Kafka Server started") == 1


def test_topics_are_checked_and_mended(one_broker: tuple[Settings, Ran]) -> None:
    """`--check` changes nothing; without it more partitions and other settings are set."""
    settings, _ = one_broker
    more = settings.model_copy(update={"partitions": settings.partitions + 2, "session_retention_hours": 5})

    checked, mended, after = roxy(more, "topics", "--check", "--json"), roxy(more, "topics", "--json"), roxy(more, "topics", "--check", "--json")
    fewer = roxy(settings, "topics", "--json")

    assert (checked.exit_code, mended.exit_code, after.exit_code) == (1, 0, 0)
    assert checked.json["differences"] == mended.json["differences"]
    assert {"topic": "sessions", "kind": "config", "setting": "retention.ms", "is_now": "2592000000", "should_be": "18000000", "mends": True} in (
        mended.json["differences"]
    )
    assert after.json["differences"] == []
    assert fewer.exit_code == 1  # partitions are never taken away


def test_up_with_another_number_of_brokers_is_refused(one_broker: tuple[Settings, Ran]) -> None:
    """The stored records belong to the cluster as it was made."""
    refused = roxy(one_broker[0], *UP, "--brokers", "3")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("roxy: The state folder holds a cluster of 1 broker, not of 3. Leave --brokers out")


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    """With who holds it and what to set."""
    settings = local(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.kafka_port))
        other.listen()

        refused = roxy(settings, *UP)

    assert refused.exit_code == 1
    assert f"Port {settings.kafka_port} cannot be listened on" in refused.stderr
    assert "ROXY_KAFKA_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert roxy(settings, "status", "--json").json["parts"] == []


def test_a_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """The reason is on the screen, not only in a file."""
    settings = local(tmp_path)
    (tmp_path / "kafka" / "node-1" / "data").mkdir(parents=True)
    (tmp_path / "kafka" / "node-1" / "data" / "meta.properties").write_text("version=1\ncluster.id=another\nnode.id=7\n")
    try:
        refused = roxy(settings, *UP)
    finally:
        down(settings)

    assert refused.exit_code == 1
    assert "kafka-1 ended while it started" in refused.stderr
    assert "remove all data in your data directories" in refused.stderr  # Kafka's own words for another cluster's data


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Before anything else is tried."""
    (tmp_path / "file").write_text("")
    refused = roxy(local(tmp_path / "file"), *UP)

    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"roxy: The folder {tmp_path / 'file'}")
    assert "ROXY_STATE_DIR" in refused.stderr


async def test_records_survive_down_and_up(tmp_path: Path) -> None:
    """The log is the truth: stopping the machine loses none of it."""
    settings = local(tmp_path)
    try:
        assert roxy(settings, *UP).exit_code == 0
        await write(settings.bootstrap, [b"1", b"2", b"3"])
        stopped = roxy(settings, "down", "--json")
        again = roxy(settings, *UP)

        assert stopped.json == {"stopped": ["kafka-1"]}
        assert again.json["topics"] == []
        assert await read(settings.bootstrap, 3) == [b"1", b"2", b"3"]
    finally:
        down(settings)


def test_down_when_nothing_runs_is_no_error(tmp_path: Path) -> None:
    """It can be called twice."""
    ran = roxy(local(tmp_path), "down", "--json")

    assert (ran.exit_code, ran.json) == (0, {"stopped": []})


@pytest.mark.timeout(300)
async def test_three_brokers_lose_one_and_go_on(tmp_path: Path) -> None:
    """Replication factor 3, min.insync.replicas 2: `kill -9` of a broker loses no record and stops no writer; `up` brings it back."""
    settings = local(tmp_path, 6)
    try:
        up = roxy(settings, *UP, "--brokers", "3")
        assert up.exit_code == 0, up.stderr
        cluster = kafka.stored(settings)
        assert cluster is not None
        async with open_kafka_admin(settings.model_copy(update={"kafka_bootstrap": cluster.bootstrap}), "test") as admin:
            assert {3} == {state.replicas for state in (await admin.topics(topic.name for topic in TOPICS)).values()}
        await write(cluster.bootstrap, [b"before"])
        victim = up.json["processes"][0]
        os.kill(victim["pid"], signal.SIGKILL)
        await write(cluster.bootstrap, [b"after"])
        broken, again = state_of(settings, "kafka-1"), roxy(settings, *UP)

        assert broken == "ended"
        assert [one["name"] for one in again.json["processes"] if one["started"]] == ["kafka-1"]
        assert await read(cluster.bootstrap, 2) == [b"before", b"after"]
        assert roxy(settings, "topics", "--check", "--json").json["differences"] == []
    finally:
        down(settings)


def state_of(settings: Settings, name: str) -> str:
    """What `roxy status` says of a process, once it has noticed."""
    parts = {part["name"]: part["state"] for part in roxy(settings, "status", "--json").json["parts"]}
    return str(parts[name])


async def write(bootstrap: str, values: list[bytes]) -> None:
    """Append records to one partition of `queries`, acknowledged by all replicas in sync."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=60_000)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait("queries", value, partition=0)
    finally:
        await producer.stop()


async def read(bootstrap: str, count: int) -> list[bytes]:
    """The first records of that partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition("queries", 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()
