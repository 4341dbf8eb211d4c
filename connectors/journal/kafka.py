"""Journal on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager

from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from connectors.journal.base import Stretch
from connectors.journal.kafka_past import past
from connectors.journal.kafka_share import KafkaShare, group_consumer, noted, open_share
from connectors.kafka.client import client_options, mapped_errors, open_client, stop_consumer
from connectors.kafka.producer import Producer
from connectors.kafka.wire import EARLIEST, LATEST, TopicPlace, offsets_at, topic_places
from schemas.codec import Context, encode, tombstone
from schemas.errors import LogUnavailable
from schemas.events import Event
from schemas.record import Draft, Position, Record
from schemas.settings import Settings
from schemas.topics import JOURNAL, Topic

_FETCH_BYTES = 262_144  # of a partition, as much as a batch of ours; a follower holds two of it; a record that is larger comes all the same (KIP-74)
_LANDING_S = 20.0  # aiokafka tries an idempotent batch for ever; after this long the log counts as away. The record may still come to be written


class KafkaFollower:
    """Reads all partitions of a topic with a plain consumer."""

    def __init__(self, consumer: AIOKafkaConsumer, positions: dict[int, int]) -> None:
        self._consumer, self._positions = consumer, positions

    @property
    def positions(self) -> Mapping[int, int]:
        return self._positions

    async def read(self, timeout_s: float) -> Sequence[Record]:
        """See connectors/journal/base.py."""
        async with mapped_errors():
            fetched = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=1_000)
            records = [
                Record(record.topic, record.partition, record.offset, record.key, record.value, tuple(record.headers), record.timestamp)
                for batch in fetched.values()
                for record in batch
            ]
            for partition in self._consumer.assignment() - fetched.keys():  # the log may end in what compaction has taken away
                self._positions[partition.partition] = max(await self._consumer.position(partition), self._positions[partition.partition])
        for record in records:
            self._positions[record.partition] = record.offset + 1
        return records


class KafkaJournal:
    """See connectors/journal/base.py."""

    def __init__(self, settings: Settings, *, name: str = "roxy-journal") -> None:
        self._settings, self._name = settings, name
        self._stack = AsyncExitStack()
        self._producer: Producer
        self._client: AIOKafkaClient

    async def __aenter__(self) -> KafkaJournal:
        async with AsyncExitStack() as stack:
            self._producer = await stack.enter_async_context(Producer(self._settings, self._name))
            self._client = await stack.enter_async_context(open_client(self._settings, self._name))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def append(self, event: Event, context: Context) -> Position:
        return (await self.append_all([event], context))[0]

    async def append_all(self, events: Sequence[Event], context: Context) -> list[Position]:
        return await self._write([(JOURNAL[type(event)].name, encode(event, context)) for event in events])

    async def retract(self, topic: Topic, keys: Sequence[str], context: Context) -> list[Position]:
        return await self._write([(topic.name, tombstone(key, context)) for key in keys])

    async def ends(self, topic: Topic) -> Mapping[int, int]:
        return await self._offsets(topic, LATEST)

    async def starts(self, topic: Topic) -> Mapping[int, int]:
        return await self._offsets(topic, EARLIEST)

    async def since(self, topic: Topic, time_ms: int) -> Mapping[int, int]:
        ends, found = await self.ends(topic), await self._offsets(topic, time_ms)
        return {number: offset if offset >= 0 else ends[number] for number, offset in found.items()}

    async def epoch(self, topic: Topic) -> str:
        async with mapped_errors():
            return str((await self._place(topic)).topic_id)

    @asynccontextmanager
    async def follow(self, topic: Topic, start: Mapping[int, int] | None = None) -> AsyncIterator[KafkaFollower]:
        first = await self._offsets(topic, EARLIEST)
        positions = {number: max((start or {}).get(number, 0), offset) for number, offset in first.items()}
        async with _open_consumer(self._settings, f"{self._name}-{topic.name}") as consumer:
            partitions = {number: TopicPartition(topic.name, number) for number in positions}
            consumer.assign(list(partitions.values()))
            for number, offset in positions.items():
                consumer.seek(partitions[number], offset)
            yield KafkaFollower(consumer, positions)

    async def past(self, topic: Topic, start: Mapping[int, int], end: Mapping[int, int]) -> AsyncGenerator[Stretch, None]:
        async with open_client(self._settings, f"{self._name}-past") as client, aclosing(past(client, topic.name, start, end)) as stretches:
            async for stretch in stretches:
                yield stretch

    def share(self, topic: Topic, group: str) -> AbstractAsyncContextManager[KafkaShare]:
        return open_share(self._settings, topic, group)

    async def noted(self, topic: Topic, group: str) -> Mapping[int, int]:
        consumer = group_consumer(self._settings, group)
        try:
            async with mapped_errors():
                await consumer.start()
            return await noted(consumer, topic, (await self.ends(topic)).keys())
        finally:
            await stop_consumer(consumer)

    async def _offsets(self, topic: Topic, when: int) -> dict[int, int]:
        """By partition. Raises LogUnavailable, also if the topic is not there."""
        async with mapped_errors():
            leaders = {TopicPartition(topic.name, number): leader for number, leader in (await self._place(topic)).leaders.items()}
            return {tp.partition: offset for tp, offset in (await offsets_at(self._client, leaders, when)).items()}

    async def _place(self, topic: Topic) -> TopicPlace:
        place = (await topic_places(self._client, [topic.name])).get(topic.name)
        if place is None:
            raise LogUnavailable(f"Topic {topic.name} is missing.", remedy="Run `roxy topics`, which creates what is missing.")
        return place

    async def _write(self, drafts: Sequence[tuple[str, Draft]]) -> list[Position]:
        async with mapped_errors():
            receipts = [await self._producer.send(topic, draft) for topic, draft in drafts]
            async with asyncio.timeout(_LANDING_S):
                written = await asyncio.gather(*receipts)
        return [Position(metadata.topic, metadata.partition, metadata.offset) for metadata in written]


@asynccontextmanager
async def _open_consumer(settings: Settings, name: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group: nothing is committed. What retention has cut is passed over: the first kept record comes next."""
    consumer = AIOKafkaConsumer(
        client_id=name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=_FETCH_BYTES,
        **client_options(settings),
    )
    try:
        async with mapped_errors():
            await consumer.start()
        await asyncio.sleep(0)  # its first task has to begin: aiokafka 0.14 raises at a stop that comes before
        yield consumer
    finally:
        await stop_consumer(consumer)
