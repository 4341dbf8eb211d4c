"""Standing: what stands in topic `insights` beside what should. Pure.

A row is known by what its record's id ends in, a hash of its figures: two who count the same write the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.events import InsightsCounted
from schemas.record import Record
from streams.insights.grouping import time_of
from streams.insights.live import LiveRows, Place

Wrong = tuple[str, InsightsCounted | None]  #: a row that stands otherwise than it should, and how it should; None: not at all


class Standing:
    """Rows of windows that begin at `since` or later."""

    def __init__(self, since: int) -> None:
        self._since = time_of(since)
        self._stands: dict[str, str] = {}  # by row, the mark of its last record
        self._wanted: dict[str, tuple[Place, str]] = {}  # by row, where it is and the mark that it should have
        self._fresh: dict[str, InsightsCounted] = {}  # what was counted since it was looked at last
        self._doubtful: set[str] = set()  # rows of which something was heard since then

    def hear(self, record: Record) -> None:
        """A record of the topic, whoever wrote it."""
        row_id = (record.key or b"").decode("utf-8", "replace")
        if not self._holds(row_id):
            return
        self._doubtful.add(row_id)
        self._note(row_id, None if record.value is None else _mark(record.header("ce_id") or ""))

    def want(self, place: Place, row: InsightsCounted | None) -> None:
        """How a row should stand; None: not at all."""
        row_id = place.row_id
        self._doubtful.add(row_id)
        if row is None:
            self._wanted.pop(row_id, None)
            self._fresh.pop(row_id, None)
        else:
            self._wanted[row_id] = place, _mark(row.id)
            self._fresh[row_id] = row

    def wrong(self, rows: LiveRows) -> Iterator[Wrong]:
        """They count as mended, unless something else is heard."""
        doubtful, self._doubtful = self._doubtful, set()
        fresh, self._fresh = self._fresh, {}
        for row_id in sorted(doubtful):
            place, wanted = self._wanted.get(row_id, (None, None))
            if self._stands.get(row_id) != wanted:
                yield row_id, fresh.get(row_id) or (rows.row(place) if place else None)
                self._note(row_id, wanted)

    def forget(self, since: int) -> None:
        """Begin later: the rows of before stay as they stand."""
        self._since = time_of(since)
        self._stands = {row_id: stands for row_id, stands in self._stands.items() if self._holds(row_id)}
        self._wanted = {row_id: wanted for row_id, wanted in self._wanted.items() if self._holds(row_id)}
        self._doubtful = {row_id for row_id in self._doubtful if self._holds(row_id)}

    def __len__(self) -> int:
        """How many rows there should be."""
        return len(self._wanted)

    def _holds(self, row_id: str) -> bool:
        """Another writer's key may be anything."""
        parts = row_id.split("/")
        return len(parts) > 3 and parts[2] >= self._since

    def _note(self, row_id: str, stands: str | None) -> None:
        if stands is None:
            self._stands.pop(row_id, None)
        else:
            self._stands[row_id] = stands


def _mark(event_id: str) -> str:
    return event_id.rpartition(":")[2]
