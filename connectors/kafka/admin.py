"""Administration of the cluster's topics: what is there, and the changes that `infra.topics` makes.

A thin typed layer over aiokafka's admin client, which returns raw protocol responses. Guarantees: what the cluster refuses, and a cluster
that cannot be reached, is LogUnavailable; changing a topic's configuration keeps the settings that are not named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from connectors.kafka.client import mapped_errors, open_admin
from schemas.errors import LogUnavailable
from schemas.settings import Settings

_SET_ON_TOPIC = 1  # config source DYNAMIC_TOPIC_CONFIG: an override of this topic, not a default (KIP-226)


class TopicState(NamedTuple):
    """A topic as it lies in the cluster."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]  #: every setting in effect
    overrides: Mapping[str, str]  #: those set on the topic itself


class KafkaAdmin:
    """Made by `open_kafka_admin`."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        self._client = client

    async def brokers(self) -> int:
        """How many brokers the cluster has."""
        async with mapped_errors():
            return len((await self._client.describe_cluster())["brokers"])

    async def topics(self, names: Iterable[str]) -> dict[str, TopicState]:
        """Those of the named topics that exist."""
        async with mapped_errors():
            found = {topic["topic"]: topic for topic in await self._client.describe_topics(list(names)) if topic["error_code"] == 0}
            configs = await self._configs(found)
        return {name: _topic_state(topic, configs[name]) for name, topic in found.items() if name in configs}

    async def create(self, name: str, *, partitions: int, replicas: int, config: Mapping[str, str]) -> bool:
        """Create a topic; False if it was there."""
        async with mapped_errors():
            answer = await self._client.create_topics([NewTopic(name, partitions, replicas, topic_configs=dict(config))])
        _, code, reason = answer.topic_errors[0]
        if code == TopicAlreadyExistsError.errno:
            return False
        _require_done(code, f"Topic {name} could not be created: {reason}")
        return True

    async def add_partitions(self, name: str, total: int) -> None:
        """Give a topic more partitions."""
        async with mapped_errors():
            await self._client.create_partitions({name: NewPartitions(total)})

    async def alter_config(self, state: TopicState, changes: Mapping[str, str]) -> None:
        """Change some of a topic's settings. Kafka replaces all overrides at once, so those that are to stay are sent again."""
        resource = ConfigResource(ConfigResourceType.TOPIC, state.name, {**state.overrides, **changes})
        async with mapped_errors():
            answers = await self._client.alter_configs([resource])
        for code, reason, *_ in (topic for answer in answers for topic in answer.resources):
            _require_done(code, f"Topic {state.name} could not be changed: {reason}")

    async def delete(self, name: str) -> bool:
        """Delete a topic; False if it was not there."""
        async with mapped_errors():
            answer = await self._client.delete_topics([name])
        _, code = answer.topic_error_codes[0]
        if code == UnknownTopicOrPartitionError.errno:
            return False
        _require_done(code, f"Topic {name} could not be deleted")
        return True

    async def _configs(self, names: Iterable[str]) -> dict[str, list[Any]]:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        answers = await self._client.describe_configs(resources)
        return {name: entries for answer in answers for code, _, _, name, entries in answer.resources if code == 0}


@asynccontextmanager
async def open_kafka_admin(settings: Settings, name: str) -> AsyncIterator[KafkaAdmin]:
    """An administrator of the cluster. Raises LogUnavailable."""
    async with open_admin(settings, name) as client:
        yield KafkaAdmin(client)


def _topic_state(topic: dict[str, Any], entries: list[Any]) -> TopicState:
    partitions = topic["partitions"]
    return TopicState(
        topic["topic"],
        len(partitions),
        len(partitions[0]["replicas"]),
        _values(entries, lambda source: True),
        _values(entries, lambda source: source == _SET_ON_TOPIC),
    )


def _values(entries: list[Any], wanted: Callable[[int], bool]) -> dict[str, str]:
    return {name: value for name, value, _, source, *_ in entries if wanted(source)}


def _require_done(code: int, detail: str) -> None:
    if code != 0:
        raise LogUnavailable(f"{detail} ({for_code(code).__name__}).")
