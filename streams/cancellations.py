"""Which answers were cancelled, as far as this worker has heard: every worker reads every QueryCancelled, whoever generates the answer.

The session's log holds them too, so that a worker that starts later finds out when it reads back; this is for the answers that run now.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from connectors.journal.base import Journal
from schemas.events import ChunksRetrieved, QueryCancelled, SessionEvent
from schemas.record import Record
from schemas.topics import QUERIES
from streams.following import follow_records

_REMEMBERED = 10_000  # questions that wait in this worker's queues when their cancellation comes are far fewer


class Query(NamedTuple):
    """Which query, of which session, of whom: producers name queries themselves, so an id alone may be another's."""

    tenant: str
    session_id: str
    query_id: str

    @classmethod
    def of(cls, event: SessionEvent) -> Query:
        return cls(event.tenant, event.session_id, event.query_id)


class Making(NamedTuple):
    """An answer that is being made."""

    query: Query
    answer_id: str
    asked_at: int = -1  #: of a sibling, where in `queries` it was asked for: only what was cancelled behind it means it

    @classmethod
    def of(cls, found: ChunksRetrieved) -> Making:
        return cls(Query.of(found), found.answer_id, -1 if found.query_offset is None else found.query_offset)

    def meant_by(self, query: Query, answer_id: str | None, at: int) -> bool:
        """Whether a cancellation that lies there in `queries` means it. A session's records lie in one partition, so offsets tell the order."""
        return self.query == query and answer_id in (None, self.answer_id) and at > self.asked_at


class _Stop(NamedTuple):
    """The last cancellation of a query, or of one of its answers."""

    cancelled_by: str
    at: int


class Cancellations:
    """Remembers what was cancelled and tells those who generate."""

    def __init__(self) -> None:
        self._stops: OrderedDict[tuple[Query, str | None], _Stop] = OrderedDict()  # by query and answer; None: all that it has
        self._listeners: dict[Making, list[Callable[[], None]]] = {}
        self._begun: dict[Making, float] = {}

    @property
    def running(self) -> Mapping[Making, float]:
        """The answers that somebody listens for, because they are being made; and since when, by `time.monotonic`."""
        return self._begun

    def cancelled_by(self, making: Making) -> str | None:
        """Who cancelled the answer; None if nobody did."""
        for answer_id in (None, making.answer_id):
            stop = self._stops.get((making.query, answer_id))
            if stop is not None and making.meant_by(making.query, answer_id, stop.at):
                return stop.cancelled_by
        return None

    def cancel(self, event: QueryCancelled, at: int) -> None:
        """`at`: where in its partition of `queries` the cancellation lies."""
        query = Query.of(event)
        before = self._stops.get((query, event.answer_id))
        self._stops[query, event.answer_id] = _Stop(event.cancelled_by, max(at, before.at if before else at))
        if len(self._stops) > _REMEMBERED:
            self._stops.popitem(last=False)
        meant = [listeners for making, listeners in self._listeners.items() if making.meant_by(query, event.answer_id, at)]
        for listener in [listener for listeners in meant for listener in listeners]:
            listener()

    @contextmanager
    def listening(self, making: Making, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` when the answer is cancelled meanwhile."""
        listeners = self._listeners.setdefault(making, [])
        self._begun.setdefault(making, time.monotonic())
        listeners.append(listener)
        try:
            yield
        finally:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(making, None)
                self._begun.pop(making, None)


async def follow_cancellations(journal: Journal, cancellations: Cancellations) -> None:
    """Read all of `queries` from now on, until cancelled."""

    def hear(event: QueryCancelled, record: Record) -> None:
        cancellations.cancel(event, record.offset)

    await follow_records(journal, QUERIES, QueryCancelled, hear, start=lambda: journal.ends(QUERIES))
