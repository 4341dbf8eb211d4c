"""Recording: insights as records. One worker follows `answers`, `feedback` and `queries`, and writes the rows that change to topic `insights`.

Which worker: the one that holds the first partition of `feedback` (streams/worker.py). What it writes are last values, told from the log; nothing is
added to. Whoever writes also reads `insights`, and mends what does not stand there as the log says: so a row that comes twice, a worker that was
killed between two rows, and one that was paused and wakes up behind its successor leave the figures as they should be.

What is kept, in memory and up to date, are the answers of today and of ROXY_INSIGHTS_DAYS before. Older rows stay as they stand; what was said of
their answers since, `roxy insights` counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import NamedTuple

import structlog
from opentelemetry import trace

from connectors.journal.base import CLOCKS_DIFFER_MS, Follower, Journal, reached
from connectors.observability import traceparent_of
from schemas.codec import Context, decoded
from schemas.errors import LogUnavailable
from schemas.insight_events import kept_since
from schemas.topics import ANSWERS, FEEDBACK, INSIGHTS, QUERIES, Topic
from streams.insights.live import LiveRows, Place
from streams.insights.standing import Standing, Wrong

SOURCE = "/roxy/worker"
_TOPICS = (FEEDBACK, QUERIES, ANSWERS, INSIGHTS)
_READ_S = 0.5
_LOOK_S = 0.5  # between two looks at whose turn it is
_RETRY_S = 2.0
_SHARE = 0.05  # of its time at most that a worker gives to counting: it has answers to write
_DONE = object()
_AT_ONCE = 500  # rows that are counted, and then written together: what is to be written is a hundred times what is kept of it

log = structlog.get_logger(__name__)


class Kept(NamedTuple):
    """The settings of it."""

    days: int
    every_s: float


class Recorder:
    """Keeps `insights` up while it is this worker's turn. `mine` says whether it is."""

    def __init__(self, journal: Journal, kept: Kept, *, now: Callable[[], float] = time.time) -> None:
        self._journal, self._kept, self._now = journal, kept, now
        self.mine: Callable[[], bool] = lambda: False

    async def run(self) -> None:
        """Until cancelled. Whatever fails, all is read again."""
        while True:
            try:
                if self.mine():
                    await self._record()
                await asyncio.sleep(_LOOK_S)
            except LogUnavailable as error:
                log.warning("insights not kept up", error=str(error), retry_s=_RETRY_S)
                await asyncio.sleep(_RETRY_S)

    async def _record(self) -> None:
        """One turn."""
        since = kept_since(self._now(), self._kept.days)
        rows, standing = LiveRows(since), Standing(since)
        async with AsyncExitStack() as stack:
            ends = {topic.name: await self._journal.ends(topic) for topic in _TOPICS}
            followers = {topic.name: await stack.enter_async_context(await self._follower(topic, since)) for topic in _TOPICS}
            log.info("insights are kept up", since=since)
            due = 0.0
            while self.mine():
                await _read(followers, rows, standing)
                if time.monotonic() >= due and all(reached(followers[name].positions, ends[name]) for name in ends):
                    due = await self._write(rows, standing)

    async def _follower(self, topic: Topic, since: int) -> AbstractAsyncContextManager[Follower]:
        """What was written then or later; clocks may differ, and the events' own times decide."""
        return self._journal.follow(topic, await self._journal.since(topic, max(since * 1000 - CLOCKS_DIFFER_MS, 0)))

    async def _write(self, rows: LiveRows, standing: Standing) -> float:
        """What stands otherwise than it should. Returns when to look next."""
        counted_s = await _in_turns(rows.look())
        places = list(rows.changed())
        for begin in range(0, max(len(places), 1), _AT_ONCE):
            counted_s += await _in_turns(_counted(rows, standing, places[begin : begin + _AT_ONCE]))
            await self._mend(standing.wrong(rows))
        since = kept_since(self._now(), self._kept.days)
        if since > rows.since:
            rows.forget(since)
            standing.forget(since)
        return time.monotonic() + max(self._kept.every_s, counted_s / _SHARE)

    async def _mend(self, wrong: Iterable[Wrong]) -> None:
        found, context = list(wrong), Context(SOURCE, traceparent_of(trace.get_current_span()))
        await self._journal.append_all([row for _, row in found if row is not None], context)
        await self._journal.retract(INSIGHTS, [row_id for row_id, row in found if row is None], context)


async def _read(followers: Mapping[str, Follower], rows: LiveRows, standing: Standing) -> None:
    """What waits. Between two records others have their turn."""
    for records in await asyncio.gather(*(follower.read(_READ_S) for follower in followers.values())):
        for record in records:
            if record.topic == INSIGHTS.name:
                standing.hear(record)
            elif (event := decoded(record)) is not None:
                rows.add(event)
            await asyncio.sleep(0)


def _counted(rows: LiveRows, standing: Standing, places: Iterable[Place]) -> Iterator[None]:
    for place in places:
        standing.want(place, rows.row(place))
        yield


async def _in_turns(work: Iterator[None]) -> float:
    """How many seconds it took. Between two of its steps others have their turn."""
    took_s, more = 0.0, True
    while more:
        begun = time.perf_counter()
        more = next(work, _DONE) is not _DONE
        took_s += time.perf_counter() - begun
        await asyncio.sleep(0)
    return took_s
