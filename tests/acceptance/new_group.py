"""A consumer group of a test's own that begins where the log ends: its worker is not given what other tests have left open."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from schemas.settings import Settings
from schemas.topics import DOCUMENTS, FEEDBACK, QUERIES, RETRIEVALS, REVIEWS, partitions

_READ = (DOCUMENTS, QUERIES, RETRIEVALS, FEEDBACK, REVIEWS)  # by the group: streams/app.py


async def begin_here(settings: Settings) -> Settings:
    """The same settings, whose group has read all that is there. Else a worker that is new reads each topic from its beginning."""
    everything = [TopicPartition(topic.name, number) for topic in _READ for number in range(partitions(topic, settings))]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, group_id=settings.consumer_group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(everything)
        await consumer.commit(await consumer.end_offsets(everything))
    finally:
        await consumer.stop()
    return settings
