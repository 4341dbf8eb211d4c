"""What is past, of a topic on Kafka: large fetches of one partition after the other, each asked for while what the one before brought is worked on.

A consumer's fetcher takes 8 microseconds of every record, these fetches 3. What it does beside, for a leader that is away or a place that retention
has cut, is done here as far as a read that ends needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from itertools import takewhile
from typing import NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from connectors.journal.base import Stretch
from connectors.kafka.batches import behind, each_record
from connectors.kafka.client import log_unavailable
from connectors.kafka.ranges import fetch
from connectors.kafka.wire import EARLIEST, offsets_at, topic_places
from schemas.errors import LogUnavailable

_FETCH_BYTES = 1_048_576
_SILENCE_S = 30.0
_BACKOFF_S = 0.1


class Fetched(NamedTuple):
    """Raw batches, and the offset behind them."""

    raw: bytes | None
    behind: int


#: What waits at an offset and after. Raises KafkaError.
Fetch = Callable[[int], Awaitable[Fetched]]


async def past(client: AIOKafkaClient, topic: str, start: Mapping[int, int], end: Mapping[int, int]) -> AsyncGenerator[Stretch, None]:
    """See connectors/journal/base.py."""
    for number in sorted(end):
        partition = TopicPartition(topic, number)
        async with aclosing(stretches(partition, start.get(number, 0), end[number], Fetches(client, partition))) as found:
            async for stretch in found:
                yield stretch


async def stretches(
    partition: TopicPartition, start: int, end: int, fetches: Fetch, *, silence_s: float = _SILENCE_S
) -> AsyncGenerator[Stretch, None]:
    """[start, end) of a partition. Raises LogUnavailable."""
    if start >= end:
        return
    fetching = asyncio.create_task(_patiently(partition, start, fetches, silence_s))
    try:
        while start < end:
            fetched, begin = await fetching, start
            start = min(fetched.behind, end)
            if start < end:
                fetching = asyncio.create_task(_patiently(partition, start, fetches, silence_s))
                await asyncio.sleep(0)  # it goes out
            records = each_record(fetched.raw, partition, begin)
            inside = records if fetched.behind <= end else takewhile(lambda record: record.offset < end, records)
            yield Stretch(partition.partition, inside, start)
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)


async def _patiently(partition: TopicPartition, offset: int, fetches: Fetch, silence_s: float) -> Fetched:
    """What comes next, whoever leads the partition by then."""
    deadline, problem = asyncio.get_running_loop().time() + silence_s, ""
    while asyncio.get_running_loop().time() < deadline:
        try:
            fetched = await fetches(offset)
            if fetched.behind > offset:
                return fetched
        except (KafkaError, OSError, TimeoutError) as error:
            problem = f" {log_unavailable(error).detail}"
            await asyncio.sleep(_BACKOFF_S)
    raise LogUnavailable(f"{partition.topic}[{partition.partition}]@{offset} gave nothing for {silence_s:g} s.{problem}")


class Fetches:
    """Of one partition, from whoever leads it; that is looked up again after a failure."""

    def __init__(self, client: AIOKafkaClient, partition: TopicPartition) -> None:
        self._client, self._partition = client, partition
        self._leader: int | None = None

    async def __call__(self, offset: int) -> Fetched:
        leader, self._leader = self._leader, None
        if leader is None:
            leader = await self._find_leader()
        try:
            raw = await fetch(self._client, leader, self._partition, offset, _FETCH_BYTES)
            found = Fetched(raw, behind(raw, offset))
        except OffsetOutOfRangeError:
            found = Fetched(None, await self._first_kept(leader, offset))
        self._leader = leader
        return found

    async def _find_leader(self) -> int:
        place = (await topic_places(self._client, [self._partition.topic])).get(self._partition.topic)
        leader = place.leaders.get(self._partition.partition, -1) if place else -1
        if leader < 0:
            raise LeaderNotAvailableError(str(self._partition))
        if self._client.cluster.broker_metadata(leader) is None:  # it came up after the client
            await self._client.force_metadata_update()
        return leader

    async def _first_kept(self, leader: int, offset: int) -> int:
        """Retention has cut what was asked for."""
        first = (await offsets_at(self._client, {self._partition: leader}, EARLIEST))[self._partition]
        if first <= offset:
            raise OffsetOutOfRangeError(f"the log ends before {offset}")
        return first
