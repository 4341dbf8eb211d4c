"""A reader that shares a topic with others of its group, on Kafka: what KafkaJournal.share gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog
from aiokafka.consumer import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import TopicPartition

from connectors.kafka.client import client_options, mapped_errors, stop_consumer
from schemas.record import Record
from schemas.settings import Settings
from schemas.topics import Topic

_MOST = 1_000  # records of one read

log = structlog.get_logger(__name__)


class KafkaShare:
    """See connectors/journal/base.py. Kafka's group looks after who reads which partition."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: Topic) -> None:
        self._consumer, self._topic = consumer, topic

    async def read(self, timeout_s: float) -> Sequence[Record]:
        async with mapped_errors():
            fetched = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=_MOST)
        return [
            Record(record.topic, record.partition, record.offset, record.key, record.value, tuple(record.headers), record.timestamp)
            for batch in fetched.values()
            for record in batch
        ]

    async def commit(self) -> None:
        async with mapped_errors():
            try:
                await self._consumer.commit()
            except (CommitFailedError, IllegalStateError) as error:  # the partitions are another's by now, who reads the same again
                log.info("offsets not noted", topic=self._topic.name, error=str(error))

    async def noted(self) -> Mapping[int, int]:
        return await noted(self._consumer, self._topic, self._consumer.partitions_for_topic(self._topic.name) or ())


async def noted(consumer: AIOKafkaConsumer, topic: Topic, numbers: Iterable[int]) -> dict[int, int]:
    """What the consumer's group has committed of the topic's partitions."""
    async with mapped_errors():
        return {number: await consumer.committed(TopicPartition(topic.name, number)) or 0 for number in sorted(numbers)}


@asynccontextmanager
async def open_share(settings: Settings, topic: Topic, group: str) -> AsyncIterator[KafkaShare]:
    """A member of the group. Whoever is silent for ROXY_SESSION_TIMEOUT_S is replaced, as among the agents. Raises LogUnavailable."""
    consumer = group_consumer(settings, group, topic.name)
    try:
        async with mapped_errors():
            await consumer.start()
        yield KafkaShare(consumer, topic)
    finally:
        await stop_consumer(consumer)


def group_consumer(settings: Settings, group: str, *topics: str) -> AIOKafkaConsumer:
    """A consumer of the group; without topics it is no member, and only asks. It is to be started."""
    return AIOKafkaConsumer(
        *topics,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(settings.session_timeout_s * 1000),
        heartbeat_interval_ms=int(settings.session_timeout_s * 250),
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=settings.max_document_bytes * 2,
        **client_options(settings),
    )
