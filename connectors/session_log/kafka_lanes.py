"""Sessions of lanes read back: what of a lane has to be read for one of them, by the lane's index. Whoever is the first to ask has it filled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from connectors.kafka.batches import behind, each_found
from connectors.kafka.client import open_client
from connectors.kafka.ranges import fetch
from connectors.session_log.kafka_places import Place, Places
from connectors.session_log.kafka_tail import LiveTails
from connectors.session_log.lane_index import LaneIndex, Stretch
from schemas.errors import LogUnavailable
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import SESSIONS

SHORT = 500  # records of a lane that are read as they lie
_FILLED = 100_000  # records before its beginning that an index is filled with: 0.3 s of a core, once; else each session's first reader takes as long
_PATIENCE_S = 5.0  # for that; then the lane is read as it lies
_CONNECTIONS = 8
_FETCH_BYTES = 1024 * 1024  # are gone through at a time: 6 ms, in which nothing else is done

log = structlog.get_logger(__name__)


class Lanes:
    """The lanes that this process reads back."""

    def __init__(self, settings: Settings, places: Places, live: LiveTails, *, name: str) -> None:
        self._settings, self._places, self._live, self._name = settings, places, live, name
        self._filling: set[asyncio.Task[None]] = set()
        self._clients: dict[int, asyncio.Task[AIOKafkaClient]] = {}
        self._stack = AsyncExitStack()

    async def close(self) -> None:
        tasks = [*self._filling, *self._clients.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()

    async def client(self, place: Place) -> AIOKafkaClient:
        """For a lane's reads, of which one leads to many: a broker answers a connection's requests one by one. Raises LogUnavailable."""
        number = place.partition.partition % _CONNECTIONS
        opening = self._clients.get(number)
        if opening is None or (opening.done() and opening.exception()):
            opening = self._clients[number] = asyncio.create_task(self._open(number))
        return await asyncio.shield(opening)

    async def _open(self, number: int) -> AIOKafkaClient:
        client = await self._stack.enter_async_context(open_client(self._settings, f"{self._name}-lanes-{number}"))
        await client.set_topics([SESSIONS.name])  # else it asks for all of them, every minute
        return client

    async def without_tokens(self, session: Session, place: Place, whole: Stretch) -> Sequence[Stretch]:
        """The parts of a stretch in which all of the session's records lie that are no tokens."""
        if whole.end - whole.start <= SHORT:
            return [whole]
        found = self._live.index(place, whole.end)
        if found is None:
            return [whole]
        index, noted = found
        if index.begin - whole.start > SHORT:
            index.filling = index.filling or self._begin(self._fill(index, place))
            await asyncio.wait((index.filling,), timeout=_PATIENCE_S)
        return index.stretches(session.id.encode(), *whole, noted)

    def _begin(self, filling: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(filling)
        self._filling.add(task)
        task.add_done_callback(self._filling.discard)
        return task

    async def _fill(self, index: LaneIndex, place: Place) -> None:
        """With the last records before it began. If that fails, the next who reads back tries again."""
        end = index.begin
        try:
            start = max((await self._places.bounds(place)).first, end - _FILLED)
            index.take_in(await self._looked_through(index.before(start), place, end), end)
        except (KafkaError, LogUnavailable, OSError) as error:
            log.warning("lane not looked through", lane=place.partition.partition, error=str(error) or type(error).__name__)
            index.filling = None

    async def _looked_through(self, earlier: LaneIndex, place: Place, end: int) -> LaneIndex:
        client, start = await self.client(place), earlier.begin
        while start < end:
            raw = await fetch(client, place.leader, place.partition, start, _FETCH_BYTES)
            for found in each_found(raw, start):
                if found.offset < end:
                    earlier.see(found)
            if (reached := behind(raw, start)) == start:
                raise KafkaError(f"nothing came at {start}, before {end}")
            start = reached
        return earlier
