"""Where a session's records lie on the cluster: topic, partition, epoch, leader, bounds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import NamedTuple
from uuid import UUID

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NotLeaderForPartitionError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code
from aiokafka.partitioner import murmur2
from aiokafka.structs import TopicPartition

from connectors.kafka.client import mapped_errors
from connectors.kafka.wire import EARLIEST, LATEST, TopicPlace, offsets_at, topic_places
from schemas.cursor import Cursor
from schemas.errors import LogUnavailable, UnknownSession
from schemas.session_id import Session, created_ms
from schemas.settings import Settings
from schemas.topics import SESSIONS, session_topic

_KNOWN_MOST = 10_000  # sessions whose place is remembered for appends
_PAUSES_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # until a new topic can be used: 5 ms as a rule
_CLOCK_SKEW_MS = 60_000  # ids are made on other machines than records' timestamps


class Bounds(NamedTuple):
    """First kept offset, and the one behind the last record."""

    first: int
    end: int


class Place(NamedTuple):
    """One session's partition."""

    partition: TopicPartition
    epoch: UUID
    leader: int

    def cursor(self, offset: int) -> Cursor:
        return Cursor(self.epoch, self.partition.partition, offset)

    def beginning(self, bounds: Bounds) -> Cursor:
        return self.cursor(bounds.first)._replace(whole=bounds.first == 0)


class Places:
    """Finds, makes and deletes sessions' places."""

    def __init__(self, client: AIOKafkaClient, admin: AIOKafkaAdminClient, settings: Settings) -> None:
        self._client, self._admin, self._settings = client, admin, settings
        self._known: OrderedDict[Session, Place] = OrderedDict()

    async def find(self, session: Session) -> Place | None:
        """The session's place as it is now; None without one. Raises KafkaError, InvalidSessionId."""
        name = session_topic(*session) if session.placement == "topic" else SESSIONS.name
        place = (await topic_places(self._client, [name])).get(name)
        return None if place is None else _place_in(name, place, session)

    async def require(self, session: Session) -> Place:
        """Like find, but raises UnknownSession or LogUnavailable."""
        async with mapped_errors():
            place = await self.find(session)
        if place is None:
            raise UnknownSession(f"No session {session.id}.")
        if place.leader < 0:
            raise LogUnavailable(f"{place.partition.topic}[{place.partition.partition}] has no leader now.")
        return place

    async def known(self, session: Session) -> Place:
        """Like require, but from memory where it can be: for appends, which fail by themselves if the place is gone."""
        place = self._known.get(session)
        if place is None:
            place = self._known[session] = await self.require(session)
            if len(self._known) > _KNOWN_MOST:
                self._known.popitem(last=False)
        return place

    async def recheck(self, session: Session) -> Place:
        """Like require, after an append that did not go as it should: the place that was remembered may be gone."""
        self._known.pop(session, None)
        return await self.known(session)

    async def create(self, session: Session) -> Place:
        """Make a session's topic if it is not there; a lane is there already. Raises KafkaError, UnknownSession without a `sessions` topic."""
        if session.placement == "topic":  # the controller is asked, not a broker: one may still name a topic that was just deleted
            await self._create_topic(session_topic(*session))
            return await self._appeared(session)
        place = await self.find(session)
        if place is None:
            raise UnknownSession("The topic of all lanes, `sessions`, is missing. Run `roxy topics`.")
        return place

    async def delete(self, session: Session) -> None:
        self._known.pop(session, None)
        response = await self._admin.delete_topics([session_topic(*session)])
        for _, error_code in response.topic_error_codes:
            if error_code not in (0, UnknownTopicOrPartitionError.errno):
                raise for_code(error_code)
        await self._disappeared(session)

    async def bounds(self, place: Place) -> Bounds:
        """A new topic's leader is named in the metadata some milliseconds before it answers as such. Raises KafkaError."""
        for pause_ms in _PAUSES_MS:
            try:
                return await self._bounds(place)
            except (NotLeaderForPartitionError, UnknownTopicOrPartitionError):
                await asyncio.sleep(pause_ms / 1000)
        return await self._bounds(place)

    async def _bounds(self, place: Place) -> Bounds:
        leaders = {place.partition: place.leader}
        first, end = await asyncio.gather(*(offsets_at(self._client, leaders, when) for when in (EARLIEST, LATEST)))
        return Bounds(first[place.partition], end[place.partition])

    async def offset_of_birth(self, session: Session, place: Place, bounds: Bounds) -> int:
        """The first offset of a lane at which a record of the session can lie."""
        born = await offsets_at(self._client, {place.partition: place.leader}, created_ms(session.id) - _CLOCK_SKEW_MS)
        offset = born[place.partition]
        return bounds.end if offset < 0 else offset

    async def _create_topic(self, name: str) -> None:
        config = {
            "retention.ms": str(self._settings.session_retention_hours * 3_600_000),
            "min.insync.replicas": str(self._settings.kafka_min_insync),
        }
        response = await self._admin.create_topics([NewTopic(name, 1, self._settings.kafka_replicas, topic_configs=config)])
        for _, error_code, *_ in response.topic_errors:
            if error_code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(error_code)

    async def _appeared(self, session: Session) -> Place:
        """A new topic is in the metadata some milliseconds after it was made."""
        for pause_ms in _PAUSES_MS:
            place = await self.find(session)
            if place is not None and place.leader >= 0:
                return place
            await asyncio.sleep(pause_ms / 1000)
        raise KafkaError(f"the topic of session {session.id} did not appear")

    async def _disappeared(self, session: Session) -> None:
        """Brokers name a deleted topic for some milliseconds more; one that is away for longer must not keep its caller."""
        for pause_ms in _PAUSES_MS:
            if await self.find(session) is None:
                return
            await asyncio.sleep(pause_ms / 1000)


def _place_in(name: str, place: TopicPlace, session: Session) -> Place:
    number = 0 if session.placement == "topic" else lane_of(session, len(place.leaders))
    return Place(TopicPartition(name, number), place.topic_id, place.leaders[number])


def lane_of(session: Session, lanes: int) -> int:
    """The partition that every Kafka client's default partitioner gives the key (murmur2)."""
    return int((murmur2(session.id.encode()) & 0x7FFFFFFF) % lanes)
