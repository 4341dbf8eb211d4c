"""A record: an event as it lies in Kafka."""

from __future__ import annotations

from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]


class Position(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Draft(NamedTuple):
    """A record that is not in Kafka yet: what the codec makes of an event."""

    key: bytes
    value: bytes | None
    headers: Headers


class Record(NamedTuple):
    """A record as it was read. `value` is None for a tombstone; `timestamp` is in milliseconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int = 0

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)

    def header(self, name: str) -> str | None:
        """The last header of that name, as text. One whose value is null, as Kafka allows, is empty."""
        return next(((value or b"").decode("utf-8", "replace") for key, value in reversed(self.headers) if key == name), None)
