"""Unread: an answer whose session nobody has read for ROXY_UNREAD_CANCEL_MIN minutes is cancelled, by a record like any other cancellation.

The API processes tell of their readers on `readers` every quarter of that time (api/presence.py). So what counts is that nobody told of the
session for the time and a quarter; from when the answer was begun, and while this worker could hear. Nothing runs, is read or written if the
setting is 0.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import structlog
from opentelemetry import trace

from connectors.journal.base import Journal
from connectors.observability import traceparent_of
from schemas.codec import Context
from schemas.errors import LogUnavailable
from schemas.events import QueryCancelled, SessionRead
from schemas.topics import READERS
from streams.cancellations import Cancellations, Making
from streams.following import follow_from_now

NO_READERS = "no-readers"

log = structlog.get_logger(__name__)


class Unread:
    """When each session was last told to have readers."""

    def __init__(self, unread_s: float, now: float) -> None:
        self._patience_s = unread_s * 1.25
        self._listening_since = now
        self._heard: dict[tuple[str, str], float] = {}

    def hear(self, event: SessionRead, now: float) -> None:
        self._heard[event.tenant, event.session_id] = now

    def deaf(self, now: float) -> None:
        """Until now nothing could be heard: nobody's silence counts."""
        self._listening_since = now

    def of(self, running: Mapping[Making, float], now: float) -> list[Making]:
        """Those of the running answers whose session is unread; `running` says since when each is made."""
        early = now - self._patience_s
        self._heard = {session: heard for session, heard in self._heard.items() if heard > early}
        if self._listening_since > early:
            return []
        return [making for making, begun in running.items() if begun <= early and making.query[:2] not in self._heard]


async def cancel_unread(journal: Journal, cancellations: Cancellations, unread_s: float) -> None:
    """Follow `readers` and cancel what nobody reads, until cancelled."""
    unread = Unread(unread_s, time.monotonic())
    async with asyncio.TaskGroup() as group:
        group.create_task(_listen(journal, unread))
        group.create_task(_look(journal, cancellations, unread, unread_s / 8))


async def _listen(journal: Journal, unread: Unread) -> None:
    await follow_from_now(
        journal, READERS, SessionRead, lambda event: unread.hear(event, time.monotonic()), deaf=lambda: unread.deaf(time.monotonic())
    )


async def _look(journal: Journal, cancellations: Cancellations, unread: Unread, every_s: float) -> None:
    while True:
        due = time.monotonic() + every_s
        await asyncio.sleep(every_s)
        if time.monotonic() > due + every_s:  # the process was stopped: what was told meanwhile is still to be read
            unread.deaf(time.monotonic())
        for making in unread.of(cancellations.running, time.monotonic()):
            if cancellations.cancelled_by(making) is None:
                await _cancel(journal, making)


async def _cancel(journal: Journal, making: Making) -> None:
    """For all to hear. Should the log be away, the next look finds the answer again."""
    query = making.query
    log.info("answer cancelled, nobody reads it", correlation=query.query_id, tenant=query.tenant)
    event = QueryCancelled(
        id=f"{making.answer_id}:cancelled",
        tenant=query.tenant,
        session_id=query.session_id,
        query_id=query.query_id,
        answer_id=making.answer_id,
        cancelled_by=NO_READERS,
    )
    try:
        await journal.append(event, Context("/roxy/worker", traceparent_of(trace.get_current_span())))
    except LogUnavailable as error:
        log.warning("answer not cancelled", correlation=query.query_id, error=str(error))
