"""Insights as a worker keeps them up: a projection of the topic `insights`, kept in memory. Read by api/insights.py.

It holds the last record of each row, of today and of ROXY_INSIGHTS_DAYS before, follows the topic for as long as the process runs, and starts again
after an outage. So a dashboard that asks every second asks no log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from heapq import nsmallest
from typing import NamedTuple

import structlog

from api.topic_reading import followed_for_ever
from connectors.background import running
from connectors.journal.base import CLOCKS_DIFFER_MS, Journal, reached
from schemas.codec import decoded
from schemas.errors import Unavailable
from schemas.events import InsightsCounted
from schemas.insight_bodies import InsightRow
from schemas.insight_events import SECONDS, By, Window, kept_since
from schemas.moments import seconds_of
from schemas.record import Record
from schemas.topics import INSIGHTS

_READ_S = 1.0

_Look = tuple[str, Window, By | None]  # tenant, window, by what


class Kept(NamedTuple):
    """A row, ready to be sent."""

    start: float  #: of its window, in seconds since 1970
    order: tuple[float, int, int, str]  #: the newest first, then the most corrected, then the most answers
    row: bytes  #: JSON of an InsightRow


class InsightRows:
    """Knows each row's last figures. `caught_up` once it has read what the topic held when it began."""

    def __init__(self, journal: Journal, days: int, *, now: Callable[[], float] = time.time) -> None:
        self._journal, self._days, self._now = journal, days, now
        self._rows: dict[_Look, dict[str, Kept]] = {}
        self._looks: dict[str, _Look] = {}  # by row id: a tombstone says no more
        self._log = structlog.get_logger(__name__)
        self.since = kept_since(now(), days)
        self.caught_up = False

    def followed(self) -> AbstractAsyncContextManager[None]:
        """Follow the topic in the background."""
        return running(followed_for_ever(INSIGHTS, self._follow))

    def rows(self, tenant: str, window: Window, by: By | None, since: float, most: int) -> list[bytes]:
        """Those whose window ends after that moment. Raises Unavailable while they are still being read."""
        if not self.caught_up:
            raise Unavailable("Insights are still being read.")
        self._forget()
        known = self._rows.get((tenant, window, by), {}).values()
        found = (row for row in known if row.start + SECONDS[window] > since)
        return [row.row for row in nsmallest(most, found, key=lambda row: row.order)]

    async def _follow(self) -> None:
        ends = await self._journal.ends(INSIGHTS)
        start = await self._journal.since(INSIGHTS, self.since * 1000 - CLOCKS_DIFFER_MS)
        async with self._journal.follow(INSIGHTS, start) as follower:
            while True:
                self.caught_up = self.caught_up or reached(follower.positions, ends)
                for record in await follower.read(_READ_S):
                    self.apply(record)
                    await asyncio.sleep(0)

    def apply(self, record: Record) -> None:
        """A record that cannot be read says nothing, and one of an older window nothing that is kept."""
        row_id = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            self._drop(row_id)
        elif isinstance(event := decoded(record), InsightsCounted):
            self._put(row_id, event)

    def _put(self, row_id: str, event: InsightsCounted) -> None:
        self._forget()
        try:
            start = seconds_of(event.start)
        except ValueError:
            return
        self._drop(row_id)
        if start >= self.since:
            look = event.tenant, event.window, event.by
            self._looks[row_id] = look
            self._rows.setdefault(look, {})[row_id] = _kept(event, start)

    def _drop(self, row_id: str) -> None:
        look = self._looks.pop(row_id, None)
        if look is not None:
            del self._rows[look][row_id]

    def _forget(self) -> None:
        """A new day lets go of the oldest."""
        since = kept_since(self._now(), self._days)
        if since <= self.since:
            return
        self.since = since
        for row_id in [row_id for rows in self._rows.values() for row_id, row in rows.items() if row.start < since]:
            self._drop(row_id)


def _kept(event: InsightsCounted, start: float) -> Kept:
    figures = event.figures
    row = InsightRow(start=event.start, value=event.value, counted=event.time, figures=figures)
    return Kept(start, (-start, -figures.corrections, -figures.answers, event.value or ""), row.model_dump_json().encode())
