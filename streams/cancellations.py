"""Which queries were cancelled, as far as this worker has heard: every worker reads every QueryCancelled, whoever generates the answer.

The session's log holds them too, so that a worker that starts later finds out when it reads back; this is for the answers that run now.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from connectors.journal.base import Journal
from schemas.events import QueryCancelled, SessionEvent
from schemas.topics import QUERIES
from streams.following import follow_from_now

_REMEMBERED = 10_000  # questions that wait in this worker's queues when their cancellation comes are far fewer


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
        self._begun: dict[Query, float] = {}

    @property
    def running(self) -> Mapping[Query, float]:
        """The queries that somebody listens for, because their answers are being made; and since when, by `time.monotonic`."""
        return self._begun

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
        self._begun.setdefault(query, time.monotonic())
        listeners.append(listener)
        try:
            yield
        finally:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(query, None)
                self._begun.pop(query, None)


async def follow_cancellations(journal: Journal, cancellations: Cancellations) -> None:
    """Read all of `queries` from now on, until cancelled."""
    await follow_from_now(journal, QUERIES, QueryCancelled, cancellations.cancel)
