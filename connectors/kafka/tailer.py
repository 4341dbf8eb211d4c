"""Tails any number of partitions with one long-polling fetch session per broker.

The only consumer of an API process: no group, no commits. Partitions come and go without disturbing the others, which the public
consumer cannot do (`assign` drops what was fetched and looks every position up again).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from connectors.kafka.client import log_unavailable
from connectors.kafka.fetch_session import FetchSession
from connectors.kafka.wire import topic_places
from schemas.errors import LogUnavailable, RoxyError, UnknownSession

#: A partition that joins waits for the fetch under way, at most this long; an empty fetch costs about 0.2 ms, so 1 % of a core when idle.
_MAX_WAIT_MS = 20
_MAX_BYTES = 8 * 1024 * 1024
_AT_A_TIME = 64 * 1024  # bytes that are handed over: some 80 tokens
_BACKOFF_S = 0.1
_OFFSET_OUT_OF_RANGE, _UNKNOWN_TOPIC = 1, 3

#: Takes a partition's raw batches from an offset on, returns the offset to go on with.
Deliver = Callable[[TopicPartition, bytes, int], int]
#: Told that a partition is tailed no more, and why.
Lost = Callable[[TopicPartition, RoxyError], None]

log = structlog.get_logger(__name__)


class _Home(NamedTuple):
    """Who leads a partition, and the id of its topic: another topic may come to bear the same name."""

    leader: int
    topic_id: UUID


class Tailer:
    """`watch` and `unwatch` partitions; their records go to `deliver` in order, without holes or doubles."""

    def __init__(self, client: AIOKafkaClient, *, deliver: Deliver, lost: Lost) -> None:
        self._client, self._deliver, self._lost = client, deliver, lost
        self._sessions: dict[int, FetchSession] = {}
        self._loops: dict[int, asyncio.Task[None]] = {}
        self._homes: dict[TopicPartition, _Home] = {}

    async def close(self) -> None:
        for loop in self._loops.values():
            loop.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)

    def position(self, partition: TopicPartition) -> int | None:
        """The next offset that `deliver` will be given; None if the partition is not watched."""
        home = self._homes.get(partition)
        return None if home is None else self._sessions[home.leader].position(partition)

    def watch(self, partition: TopicPartition, offset: int, leader: int, topic_id: UUID) -> None:
        """Deliver the partition's records from that offset on."""
        session = self._sessions.setdefault(leader, FetchSession(max_wait_ms=_MAX_WAIT_MS, max_bytes=_MAX_BYTES))
        self._homes[partition] = _Home(leader, topic_id)
        session.want(partition, offset)
        if leader not in self._loops or self._loops[leader].done():
            self._loops[leader] = asyncio.create_task(self._run(leader, session), name=f"tail-broker-{leader}")

    def unwatch(self, partition: TopicPartition) -> None:
        home = self._homes.pop(partition, None)
        if home is not None:
            self._sessions[home.leader].drop(partition)

    async def _run(self, leader: int, session: FetchSession) -> None:
        """Fetch while there is something to fetch; the next `watch` starts another loop. A fault of ours ends its readers, not in silence."""
        try:
            while len(session):
                await self._fetch(leader, session)
        except Exception as error:
            log.exception("tail ended", broker=leader)
            for partition in session.partitions():
                self._lose(partition, LogUnavailable(f"The tail of {partition.topic} ended: {error}."))
        session.reset()

    async def _fetch(self, leader: int, session: FetchSession) -> None:
        try:
            response = await self._client.send(leader, session.request())
        except (KafkaError, OSError, TimeoutError) as error:
            session.reset()
            log.warning("fetch failed", broker=leader, error=str(error) or type(error).__name__)
            await self._find_leaders(leader, session)
            return
        if session.accept(response) and not await self._take(session, response):
            await self._find_leaders(leader, session)

    async def _take(self, session: FetchSession, response: Any) -> bool:
        """Deliver what came. False if a partition's leader is elsewhere now.

        Whoever was given something writes it before there is more for others, while it is in the processor's caches; and the next is asked for with
        the last of it only, for it would lie here meanwhile, and grow old.
        """
        settled, given = True, 0
        for topic, partitions in response.topics:
            for number, error_code, _, _, log_start, _, _, raw in partitions:
                if given >= _AT_A_TIME:
                    await asyncio.sleep(0)
                    given = 0
                given += len(raw or b"")
                settled &= self._take_one(session, TopicPartition(topic, number), error_code, log_start, raw)
        return settled

    def _take_one(self, session: FetchSession, partition: TopicPartition, error_code: int, log_start: int, raw: bytes | None) -> bool:
        """Of one partition. False if its leader is elsewhere now."""
        offset = session.answered(partition)
        if offset is None:
            return True
        if error_code == _OFFSET_OUT_OF_RANGE:
            self._lose(partition, LogUnavailable(f"{partition.topic}[{partition.partition}]@{offset} is gone; the log begins at {log_start}."))
        elif error_code:
            return False
        elif raw:
            self._hand_over(session, partition, raw, offset)
        return True

    def _hand_over(self, session: FetchSession, partition: TopicPartition, raw: bytes, offset: int) -> None:
        """Deliver a partition's records. Where that fails (a batch that cannot be read) its readers are told; those of others read on."""
        try:
            session.want(partition, self._deliver(partition, raw, offset))
        except Exception as error:
            log.exception("tail of a partition ended", topic=partition.topic, partition=partition.partition, offset=offset)
            self._lose(partition, LogUnavailable(f"The tail of {partition.topic}[{partition.partition}]@{offset} ended: {error}."))

    async def _find_leaders(self, leader: int, session: FetchSession) -> None:
        """After a failure: wait a little, then move each partition to the broker that leads it now, or report it lost."""
        await asyncio.sleep(_BACKOFF_S)
        partitions = session.partitions()
        try:
            places = await topic_places(self._client, sorted({partition.topic for partition in partitions}))
            await self._client.force_metadata_update()
        except (KafkaError, OSError, TimeoutError) as error:
            if not self._client.cluster.brokers():
                log.warning("no broker to ask", error=str(log_unavailable(error)))
            return
        for partition in partitions:
            place, home = places.get(partition.topic), self._homes.get(partition)
            if home is None or home.leader != leader:
                continue  # dropped, or moved, meanwhile
            if place is None or place.topic_id != home.topic_id:
                self._lose(partition, UnknownSession(f"Topic {partition.topic} is gone."))
            elif place.leaders.get(partition.partition, -1) not in (-1, leader):
                self._move(partition, session, _Home(place.leaders[partition.partition], home.topic_id))

    def _move(self, partition: TopicPartition, session: FetchSession, home: _Home) -> None:
        offset = session.position(partition)
        session.drop(partition)
        if offset is not None:
            self.watch(partition, offset, *home)

    def _lose(self, partition: TopicPartition, error: RoxyError) -> None:
        self.unwatch(partition)
        self._lost(partition, error)
