"""Session log on Kafka: a topic per session, or a lane of `sessions`; which one, the session's id says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from itertools import groupby

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata, TopicPartition

from connectors.kafka.client import mapped, mapped_errors, open_admin, open_client
from connectors.kafka.producer import Producer
from connectors.kafka.ranges import read_range
from connectors.session_log.base import Gap, SessionRecord
from connectors.session_log.beginning import begin
from connectors.session_log.kafka_lanes import SHORT, Lanes
from connectors.session_log.kafka_places import Bounds, Place, Places
from connectors.session_log.kafka_tail import KafkaTail, LiveTails
from connectors.session_log.lane_index import Stretch
from schemas.codec import Context, encode
from schemas.cursor import Cursor
from schemas.errors import LogUnavailable, RoxyError, UnknownSession
from schemas.events import Event, TokensGenerated
from schemas.record import Draft, Position
from schemas.session_id import Session, placement_of
from schemas.settings import Settings
from schemas.topics import session_topic

_DOUBT_S = 2.0  # an append takes milliseconds; after this long its session is looked for: aiokafka tries for ever, also a topic that is gone
_AT_ONCE = 32  # parts of a lane that are asked for; of a megabyte at most, as a rule
_LANDING_S = 20.0  # then the log counts as away; the record may still come to be written


class KafkaSessionLog:
    """See connectors/session_log/base.py. Three connections a broker: appends, long polls, and everything bounded; more when lanes are read back."""

    def __init__(self, settings: Settings, *, name: str = "roxy-session-log") -> None:
        self._settings, self._name = settings, name
        self._stack = AsyncExitStack()
        self._producer: Producer
        self._client: AIOKafkaClient
        self._places: Places
        self._live: LiveTails
        self._lanes: Lanes
        self._doubts: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> KafkaSessionLog:
        async with AsyncExitStack() as stack:
            self._producer = await stack.enter_async_context(Producer(self._settings, self._name))
            self._client = await stack.enter_async_context(open_client(self._settings, self._name))
            polling = await stack.enter_async_context(open_client(self._settings, f"{self._name}-tail"))
            admin = await stack.enter_async_context(open_admin(self._settings, self._name))
            self._places = Places(self._client, admin, self._settings)
            self._live = LiveTails(polling, queue_records=self._settings.sse_queue_records)
            stack.push_async_callback(self._live.close)
            self._lanes = Lanes(self._settings, self._places, self._live, name=self._name)
            stack.push_async_callback(self._lanes.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def create(self, session: Session) -> Cursor:
        async with mapped_errors():
            place = await self._places.create(session)
            bounds = await self._places.bounds(place)
        return place.cursor(bounds.end) if session.placement == "lane" else place.beginning(bounds)

    async def exists(self, session: Session) -> bool:
        if placement_of(session.id, session.tenant) is None:
            return False
        async with mapped_errors():
            return await self._places.find(session) is not None

    async def forget(self, session: Session) -> None:
        if session.placement == "topic":
            async with mapped_errors():
                await self._places.delete(session)
            self._live.lose(TopicPartition(session_topic(*session), 0), UnknownSession(f"Session {session.id} was forgotten."))

    async def append(self, session: Session, events: Sequence[Event], context: Context) -> list[Position]:
        return await (await self.enqueue(session, events, context))

    async def enqueue(self, session: Session, events: Sequence[Event], context: Context) -> asyncio.Future[list[Position]]:
        place = await self._places.known(session)
        async with mapped_errors():
            receipts = [await self._send(session, place, encode(event, context)) for event in events]
        return asyncio.ensure_future(self._landed(session, receipts))

    async def beginning(self, session: Session) -> Cursor:
        place = await self._places.require(session)
        async with mapped_errors():
            kept = await self._places.bounds(place)
            first = kept.first if session.placement == "topic" else await self._places.offset_of_birth(session, place, kept)
        return place.cursor(first)._replace(whole=kept.first == 0 or kept.first < first)

    async def end(self, session: Session) -> Cursor:
        place = await self._places.known(session)
        position = self._live.read_up_to(place)
        if position is not None:  # somebody reads it here: that it is still there is known, and no broker need be asked
            return place.cursor(position)
        place = await self._places.recheck(session)
        async with mapped_errors():
            return place.cursor((await self._places.bounds(place)).end)

    @asynccontextmanager
    async def tail(self, session: Session, after: Cursor | None) -> AsyncIterator[KafkaTail]:
        place = await self._places.require(session)
        async with mapped_errors():
            bounds = await self._bounds(session, place, after)
        beginning = begin(place.beginning(bounds), bounds.end, after)
        async with self._live.subscribe(place, session.id.encode(), beginning.offset, bounds.end) as subscribed:
            backlog = self._read(self._client, place, session, beginning.offset, subscribed.joined_at)
            async with aclosing(KafkaTail(subscribed.subscription, backlog, beginning.gap)) as tail:
                yield tail

    async def history(self, session: Session, after: Cursor | None = None, *, tokens: bool = True) -> AsyncIterator[SessionRecord | Gap]:
        place = await self._places.require(session)
        async with mapped_errors():
            bounds = await self._bounds(session, place, after)
        beginning = begin(place.beginning(bounds), bounds.end, after)
        if beginning.gap is not None:
            yield beginning.gap
        whole = Stretch(beginning.offset, bounds.end)
        by_places = not tokens and session.placement == "lane"
        async for records in self._read_places(place, session, whole) if by_places else self._read(self._client, place, session, *whole):
            for record in records:
                if tokens or record.marks.type != TokensGenerated.__name__:
                    yield record

    async def _send(self, session: Session, place: Place, draft: Draft) -> asyncio.Future[RecordMetadata]:
        """Hand a record to the producer, which fixes its order."""
        topic, partition = place.partition
        if self._producer.client.cluster.partitions_for_topic(topic) is None:  # new here, or gone: aiokafka would wait 40 s for it
            await self._places.recheck(session)
        return await self._producer.send(topic, draft, partition=partition)

    async def _landed(self, session: Session, receipts: Sequence[asyncio.Future[RecordMetadata]]) -> list[Position]:
        """Where the records lie, once they do. Costs one timer a record: tokens come this way."""
        landing, lost = asyncio.gather(*receipts), list[RoxyError]()
        timer = asyncio.get_running_loop().call_later(_DOUBT_S, self._doubt, session, landing, lost)
        try:
            return [Position(metadata.topic, metadata.partition, metadata.offset) for metadata in await landing]
        except KafkaError as error:
            await self._places.recheck(session)
            raise mapped(error) from error
        except asyncio.CancelledError:
            if lost:
                raise lost[0] from None
            raise
        finally:
            timer.cancel()

    def _doubt(self, session: Session, landing: asyncio.Future[list[RecordMetadata]], lost: list[RoxyError]) -> None:
        task = asyncio.create_task(self._look_for(session, landing, lost))
        self._doubts.add(task)
        task.add_done_callback(self._doubts.discard)

    async def _look_for(self, session: Session, landing: asyncio.Future[list[RecordMetadata]], lost: list[RoxyError]) -> None:
        """Is the session still there? If so, wait on, but not for ever."""
        try:
            await self._places.recheck(session)
            await asyncio.wait((landing,), timeout=_LANDING_S)
            if landing.done():
                return
            lost.append(LogUnavailable(f"Kafka has not acknowledged a record for {_DOUBT_S + _LANDING_S:g} s."))
        except RoxyError as error:
            lost.append(error)
        landing.cancel()

    async def _bounds(self, session: Session, place: Place, after: Cursor | None) -> Bounds:
        """Between which offsets a reader with that cursor finds the session. Raises KafkaError."""
        bounds = await self._places.bounds(place)
        if after is None and session.placement == "lane":  # nothing of this session lies before the moment its id was made
            return bounds._replace(first=await self._places.offset_of_birth(session, place, bounds))
        return bounds

    async def _read(self, client: AIOKafkaClient, place: Place, session: Session, start: int, end: int) -> AsyncGenerator[list[SessionRecord], None]:
        keys = (session.id.encode(),)
        async with mapped_errors():
            async for records in read_range(client, place.leader, place.partition, start, end, keys):
                if records:
                    yield [SessionRecord.of(record, place.epoch) for record in records]

    async def _read_places(self, place: Place, session: Session, whole: Stretch) -> AsyncGenerator[list[SessionRecord], None]:
        """Those parts of a lane alone in which the session's records lie; short ones several at once, for each is a way to the broker and back."""
        parts = await self._lanes.without_tokens(session, place, whole)
        client = self._client if len(parts) <= 1 else await self._lanes.client(place)
        for are_long, alike in groupby(parts, lambda part: part.end - part.start > SHORT):
            async for records in self._one_by_one(client, place, session, alike) if are_long else self._at_once(client, place, session, [*alike]):
                yield records

    async def _one_by_one(
        self, client: AIOKafkaClient, place: Place, session: Session, parts: Iterable[Stretch]
    ) -> AsyncGenerator[list[SessionRecord], None]:
        for part in parts:
            async for records in self._read(client, place, session, *part):
                yield records

    async def _at_once(
        self, client: AIOKafkaClient, place: Place, session: Session, parts: Sequence[Stretch]
    ) -> AsyncGenerator[list[SessionRecord], None]:
        for first in range(0, len(parts), _AT_ONCE):
            some = (self._one_by_one(client, place, session, [part]) for part in parts[first : first + _AT_ONCE])
            for found in await asyncio.gather(*map(_all_of, some)):
                yield found


async def _all_of(batches: AsyncIterator[list[SessionRecord]]) -> list[SessionRecord]:
    return [record async for records in batches for record in records]
