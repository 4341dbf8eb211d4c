"""Which queries were cancelled, as far as this worker has heard: every worker reads every QueryCancelled, whoever generates the answer.

The session's log holds them too, so that a worker that starts later finds out when it reads back; this is for the answers that run now.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import structlog

from connectors.journal.base import Journal
from schemas.codec import decode, event_type_of
from schemas.errors import LogUnavailable, UnreadableRecord
from schemas.events import QueryCancelled, SessionEvent
from schemas.record import Record
from schemas.topics import QUERIES

_REMEMBERED = 10_000  # questions that wait in this worker's queues when their cancellation comes are far fewer
_RETRY_S = 1.0

log = structlog.get_logger(__name__)


class Query(NamedTuple):
    """Which query, of which session, of whom: producers name queries themselves, so an id alone may be another's."""

    tenant: str
    session_id: str
    query_id: str

    @classmethod
    def of(cls, event: SessionEvent) -> Query:
        return cls(event.tenant, event.session_id, event.query_id)


class Cancellations:
    """Remembers cancelled queries and tells those who generate."""

    def __init__(self) -> None:
        self._cancelled_by: OrderedDict[Query, str] = OrderedDict()
        self._listeners: dict[Query, list[Callable[[], None]]] = {}

    def cancelled_by(self, query: Query) -> str | None:
        """Who cancelled the query; None if nobody did."""
        return self._cancelled_by.get(query)

    def cancel(self, event: QueryCancelled) -> None:
        query = Query.of(event)
        self._cancelled_by[query] = event.cancelled_by
        if len(self._cancelled_by) > _REMEMBERED:
            self._cancelled_by.popitem(last=False)
        for listener in self._listeners.get(query, ()):
            listener()

    @contextmanager
    def listening(self, query: Query, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` when the query is cancelled meanwhile."""
        listeners = self._listeners.setdefault(query, [])
        listeners.append(listener)
        try:
            yield
        finally:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(query, None)


async def follow_cancellations(journal: Journal, cancellations: Cancellations) -> None:
    """Read all of `queries` from now on, until cancelled."""
    start: Mapping[int, int] | None = None
    while True:
        try:
            start = await journal.ends(QUERIES) if start is None else start
            async with journal.follow(QUERIES, start) as follower:
                while True:
                    for record in await follower.read(timeout_s=5.0):
                        _hear(record, cancellations)
                    start = dict(follower.positions)
        except LogUnavailable as error:
            log.warning("cancellations not heard", error=str(error))
            await asyncio.sleep(_RETRY_S)


def _hear(record: Record, cancellations: Cancellations) -> None:
    if event_type_of(record) not in (QueryCancelled.__name__, ""):  # a producer may leave headers out
        return
    try:
        event = decode(record)
    except UnreadableRecord:
        return  # the agent that owns the partition puts it among the dead letters
    if isinstance(event, QueryCancelled):
        cancellations.cancel(event)
