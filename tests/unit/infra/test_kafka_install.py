"""The lock file of Kafka's jars."""

from __future__ import annotations

from pathlib import Path

from infra.kafka_install import Jar, locked_jars
from infra.kafka_lock import KAFKA, LOGGING


def test_the_lock_file_holds_what_was_asked_for() -> None:
    """A changed version must be locked again: `./roxy lock`."""
    coordinates = [jar.coordinate for jar in locked_jars()]

    assert coordinates[:2] == [KAFKA, LOGGING.removesuffix("!")]


def test_all_parts_of_kafka_have_one_version() -> None:
    """A log4j BOM once pulled in the clients of another Kafka."""
    versions = {jar.coordinate.rsplit(":", 1)[1] for jar in locked_jars() if jar.coordinate.startswith("org.apache.kafka:")}

    assert {KAFKA.rsplit(":", 1)[1]} == versions


def test_every_jar_has_a_size_and_a_checksum() -> None:
    """What is downloaded is checked against both."""
    assert all(jar.size > 0 and len(jar.sha256) == 64 for jar in locked_jars())


def test_a_jar_lies_where_maven_puts_it() -> None:
    """The cache folder is a Maven repository."""
    jar = Jar("org.apache.kafka:kafka_2.13:4.3.1", 1, "")

    assert Path("org/apache/kafka/kafka_2.13/4.3.1/kafka_2.13-4.3.1.jar") == jar.path
