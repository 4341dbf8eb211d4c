"""Live readers of sessions over the one tailer of the process, and how a late one is spliced in; beside them, what is known of lanes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from connectors.kafka.batches import behind, each_found
from connectors.kafka.tailer import Tailer
from connectors.session_log.base import Gap, SessionRecord
from connectors.session_log.kafka_places import Place
from connectors.session_log.lane_index import LaneIndex
from connectors.session_log.subscription import Subscription
from schemas.attempts import Marks
from schemas.errors import RoxyError, UnknownSession
from schemas.record import Record

_INDEXED = 30_000  # records of a lane in a generation of its index: some 6,000 answers, 2 MiB
_INDEX_KEPT_S = 600.0  # from its last use on: to tail a lane costs 3 us of a core for each record, whosever it is


class Subscribed(NamedTuple):
    """A live subscription, and the first offset that comes to it live: what lies before has to be read."""

    subscription: Subscription
    joined_at: int


class _Reader(NamedTuple):
    subscription: Subscription
    start: int  # records before are not the reader's: it asked from here on, or reads them from its backlog


class _Feed:
    """Who reads a partition, by session; and its index, if it is a lane that was read back."""

    def __init__(self, place: Place) -> None:
        self.epoch = place.epoch
        self.readers: dict[bytes, list[_Reader]] = {}
        self.index: LaneIndex | None = None
        self.index_ends: asyncio.TimerHandle | None = None

    @property
    def keys(self) -> Container[bytes] | None:
        """Whose records are looked at; None: all."""
        return self.readers if self.index is None else None


class LiveTails:
    """One long-polling reader for all sessions that have readers in this process."""

    def __init__(self, client: AIOKafkaClient, *, queue_records: int) -> None:
        self._queue_records = queue_records
        self._feeds: dict[TopicPartition, _Feed] = {}
        self._tailer = Tailer(client, deliver=self._deliver, lost=self._lost)

    async def close(self) -> None:
        await self._tailer.close()

    def read_up_to(self, place: Place) -> int | None:
        """The offset up to which the partition was delivered; None if nobody reads it."""
        feed = self._feeds.get(place.partition)
        return self._position(place) if feed is not None and feed.readers else None

    def index(self, place: Place, end: int) -> tuple[LaneIndex, int] | None:
        """What is known of a lane, and before which offset; where nothing was, from now on. Kept for a while from now. None while another topic
        of its name is read."""
        feed = self._feeds.get(place.partition)
        if feed is not None and feed.epoch != place.epoch:
            return None
        noted = self._join(place, end)
        feed = self._feeds[place.partition]
        feed.index = feed.index or LaneIndex(noted, _INDEXED)
        if feed.index_ends is not None:
            feed.index_ends.cancel()
        feed.index_ends = asyncio.get_running_loop().call_later(_INDEX_KEPT_S, self._drop_index, place.partition, feed)
        return feed.index, noted

    def lose(self, partition: TopicPartition, error: RoxyError) -> None:
        """End all readers of a partition."""
        self._tailer.unwatch(partition)
        self._lost(partition, error)

    @asynccontextmanager
    async def subscribe(self, place: Place, key: bytes, start: int, end: int) -> AsyncIterator[Subscribed]:
        """Deliver a session's records live from `start`, or from where the partition's tail is now if that is later."""
        joined_at = self._join(place, end)
        reader = _Reader(Subscription(self._queue_records), max(start, joined_at))
        readers = self._feeds[place.partition].readers.setdefault(key, [])
        readers.append(reader)
        try:
            yield Subscribed(reader.subscription, joined_at)
        finally:
            reader.subscription.close()
            self._leave(place.partition, key, reader)

    def _join(self, place: Place, end: int) -> int:
        position = self._position(place)
        if position is not None:
            return position
        self.lose(place.partition, UnknownSession("The session was made again: this is another one under its id."))
        self._feeds[place.partition] = _Feed(place)
        self._tailer.watch(place.partition, end, place.leader, place.epoch)
        return end

    def _position(self, place: Place) -> int | None:
        feed = self._feeds.get(place.partition)
        return self._tailer.position(place.partition) if feed is not None and feed.epoch == place.epoch else None

    def _leave(self, partition: TopicPartition, key: bytes, reader: _Reader) -> None:
        feed = self._feeds.get(partition)
        if feed is None or reader not in feed.readers.get(key, ()):
            return
        feed.readers[key].remove(reader)
        if not feed.readers[key]:
            del feed.readers[key]
        self._end_unused(partition, feed)

    def _drop_index(self, partition: TopicPartition, feed: _Feed) -> None:
        feed.index = None
        if self._feeds.get(partition) is feed:
            self._end_unused(partition, feed)

    def _end_unused(self, partition: TopicPartition, feed: _Feed) -> None:
        if not feed.readers and feed.index is None:
            del self._feeds[partition]
            self._tailer.unwatch(partition)

    def _deliver(self, partition: TopicPartition, raw: bytes, start: int) -> int:
        (topic, number), feed = partition, self._feeds[partition]
        for found in each_found(raw, start, feed.keys):
            if feed.index is not None:
                feed.index.see(found)
            if found.key not in feed.readers:
                continue
            # Made at once as SessionRecord.of makes it: with a record that has its headers between, it takes a quarter longer.
            record = Record(topic, number, found.offset, found.key, found.value, (), found.timestamp)
            session_record = SessionRecord(record, Marks.of(found.headers), feed.epoch)
            for reader in feed.readers[found.key]:
                if record.offset >= reader.start:
                    reader.subscription.offer(session_record)
        return behind(raw, start)

    def _lost(self, partition: TopicPartition, error: RoxyError) -> None:
        feed = self._feeds.pop(partition, None)
        for readers in feed.readers.values() if feed else ():
            for reader in readers:
                reader.subscription.fail(error)


class KafkaTail:
    """A gap if there is one, then the backlog, then what comes live."""

    def __init__(self, live: Subscription, backlog: AsyncGenerator[list[SessionRecord], None], gap: Gap | None) -> None:
        self._live, self._backlog, self._gap = live, backlog, gap
        self._behind = True
        self._fetching: asyncio.Task[list[SessionRecord] | None] | None = None  # outlives a read whose time was up, or that was cancelled

    async def aclose(self) -> None:
        """Stop reading the backlog."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait((self._fetching,))
        await self._backlog.aclose()

    async def read(self, timeout_s: float) -> Sequence[SessionRecord | Gap]:
        """See connectors/session_log/base.py."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return (gap,)
        if not self._behind:
            return await self._live.read(timeout_s)
        until = asyncio.get_running_loop().time() + timeout_s
        records = await self._past(timeout_s)
        if records is not None:
            return records
        self._behind = False
        return await self._live.read(max(until - asyncio.get_running_loop().time(), 0))

    async def _past(self, timeout_s: float) -> list[SessionRecord] | None:
        """The next records of the backlog; empty if they take longer than that, so that heartbeats go out; None at its end."""
        self._fetching = self._fetching or asyncio.create_task(self._fetch())
        await asyncio.wait((self._fetching,), timeout=timeout_s)
        if not self._fetching.done():
            return []
        records = self._fetching.result()  # an error stays, and is raised by the next read too: what follows it would follow a hole
        self._fetching = None
        return records

    async def _fetch(self) -> list[SessionRecord] | None:
        return await anext(self._backlog, None)
