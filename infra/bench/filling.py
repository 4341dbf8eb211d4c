"""Records into topics of a real broker, as fast as they go: for benches that measure what reads them. Batches are made
here, not by a producer's clock.

Most records of a made-up log are those of a few templates under other ids, put in as bytes: of ids of the same length nothing else changes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from aiokafka.partitioner import murmur2
from aiokafka.producer import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from schemas.record import Draft
from schemas.topics import Topic


def under_id(template: Draft, name: bytes, own: bytes) -> Draft:
    """The template with one id instead of another, wherever it stands."""
    headers = tuple((key, text.replace(name, own)) for key, text in template.headers)
    return Draft(template.key.replace(name, own), (template.value or b"").replace(name, own), headers)


async def write(producer: AIOKafkaProducer, topic: Topic, drafts: Iterable[Draft], partitions: int) -> None:
    """In the partitions that every Kafka client's default partitioner gives the keys; returns once all are there."""
    by_partition: defaultdict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_partition[(murmur2(draft.key) & 0x7FFFFFFF) % partitions].append(draft)
    await asyncio.gather(*[receipt for each in await _sent(producer, topic, by_partition) for receipt in each])


async def _sent(producer: AIOKafkaProducer, topic: Topic, by_partition: Mapping[int, Sequence[Draft]]) -> list[list[asyncio.Future[RecordMetadata]]]:
    return [await _send(producer, topic, partition, drafts) for partition, drafts in by_partition.items()]


async def _send(producer: AIOKafkaProducer, topic: Topic, partition: int, drafts: Sequence[Draft]) -> list[asyncio.Future[RecordMetadata]]:
    """In as few batches as it takes."""
    receipts, batch = [], producer.create_batch()
    for draft in drafts:
        fields = {"key": draft.key, "value": draft.value, "timestamp": None, "headers": list(draft.headers)}
        if batch.append(**fields) is None:  # full
            receipts.append(await producer.send_batch(batch, topic.name, partition=partition))
            batch = producer.create_batch()
            batch.append(**fields)
    return [*receipts, await producer.send_batch(batch, topic.name, partition=partition)]
