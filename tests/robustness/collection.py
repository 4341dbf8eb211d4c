"""Collection: every record of every topic, sessions' own topics among them, once all is quiet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from connectors.kafka.wire import TopicPlace, topic_places
from schemas.record import Record
from schemas.settings import Settings
from schemas.topics import SESSION_TOPIC_PREFIX, TOPICS
from tests.robustness.history import Kept
from tests.robustness.recorder import Recorder

_OURS = frozenset(topic.name for topic in TOPICS)
_AT_ONCE = 200  # partitions that one consumer reads


async def collect(settings: Settings, recorder: Recorder) -> dict[str, Kept]:
    """Write all topics into the history; what each held."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="none", enable_auto_commit=False)
    await consumer.start()
    try:
        names = sorted(name for name in await consumer.topics() if name in _OURS or name.startswith(SESSION_TOPIC_PREFIX))
        places = await _places(settings, names)
        partitions = [TopicPartition(name, number) for name, place in places.items() for number in sorted(place.leaders)]
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for some in _in_parts(partitions):
            await _read(consumer, recorder, {one: (starts[one], ends[one]) for one in some})
        return {name: _kept(name, place, starts, ends) for name, place in places.items()}
    finally:
        await consumer.stop()


async def _places(settings: Settings, names: list[str]) -> dict[str, TopicPlace]:
    """Of those that are still there: a topic that is being deleted is listed for a moment."""
    client = AIOKafkaClient(bootstrap_servers=settings.bootstrap)
    await client.bootstrap()
    try:
        return await topic_places(client, names)
    finally:
        await client.close()


async def _read(consumer: AIOKafkaConsumer, recorder: Recorder, bounds: Mapping[TopicPartition, tuple[int, int]]) -> None:
    waiting = {one: end for one, (start, end) in bounds.items() if start < end}
    if not waiting:
        return
    consumer.assign([*waiting])
    for one in waiting:
        consumer.seek(one, bounds[one][0])
    while waiting:
        for one, records in (await consumer.getmany(timeout_ms=200)).items():
            recorder.records(one.topic, map(_record, records))
        for one in [*waiting]:  # by position: compaction leaves holes
            if await consumer.position(one) >= waiting[one]:
                del waiting[one]
                consumer.pause(one)


def _kept(name: str, place: TopicPlace, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> Kept:
    return Kept(str(place.topic_id), *({one.partition: offset for one, offset in offsets.items() if one.topic == name} for offsets in (starts, ends)))


def _record(read: ConsumerRecord) -> Record:
    return Record(read.topic, read.partition, read.offset, read.key, read.value, tuple(read.headers), read.timestamp)


def _in_parts(partitions: list[TopicPartition]) -> Iterator[list[TopicPartition]]:
    return (partitions[first : first + _AT_ONCE] for first in range(0, len(partitions), _AT_ONCE))
