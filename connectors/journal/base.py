"""Journal: append an event to the topic that schemas/topics.py names for it, and follow such a topic.

Guarantees that every backend gives (tests/contract/test_journal.py and test_journal_readers.py):
- `append` returns once all replicas in sync have the record; its key is the event's subject.
- Records of one key keep their order.
- A follower delivers every record of every partition from its start on exactly once, in order of offset within a partition; its positions
  pass what compaction has taken away.
- What is past is delivered once, to its end and not beyond, each partition in order; it ends also where compaction has taken the last records away.
- Those who share a topic under one name get every record at least once between them, in order within a partition; what one of them has read and
  not committed comes again, to whoever takes its place.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from schemas.codec import Context
from schemas.events import Event
from schemas.record import Position, Record
from schemas.topics import Topic


class Follower(Protocol):
    """A live reader of all partitions of one topic, outside any consumer group."""

    async def read(self, timeout_s: float) -> Sequence[Record]:
        """Records that wait, at least one; empty after `timeout_s` without any."""
        ...

    @property
    def positions(self) -> Mapping[int, int]:
        """The next offset to read, by partition: past what `read` has returned."""
        ...


class Stretch(NamedTuple):
    """A part of a partition."""

    partition: int
    records: Iterable[Record]  #: read as they are asked for, once
    behind: int  #: the offset to go on with


class Share(Protocol):
    """A reader of a topic together with others: each partition goes to one of them at a time."""

    async def read(self, timeout_s: float) -> Sequence[Record]:
        """Records that wait, in order within a partition; empty after `timeout_s` without any."""
        ...

    async def commit(self) -> None:
        """Note that what was read is done: whoever reads these partitions next begins behind it. Not noted for those that went to another."""
        ...

    async def noted(self) -> Mapping[int, int]:
        """The offset behind what all of them together have noted as done, by partition; 0 where nothing is."""
        ...


CLOCKS_DIFFER_MS = 300_000  #: at most, those of two machines: who looks for what happened from a moment on begins so much before it in the log


def reached(positions: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    """Whether whoever reads has all below these ends, by partition. Of a compacted topic too: its last record is never taken away."""
    return all(positions.get(partition, 0) >= end for partition, end in ends.items())


class Journal(Protocol):
    """Append and follow. Opened and closed with `async with`."""

    async def __aenter__(self) -> Journal: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def append(self, event: Event, context: Context) -> Position:
        """Write the event to its topic (`schemas.topics.JOURNAL`). Raises LogUnavailable."""
        ...

    async def append_all(self, events: Sequence[Event], context: Context) -> list[Position]:
        """Write events, in order, waiting once for all. Raises LogUnavailable."""
        ...

    async def retract(self, topic: Topic, keys: Sequence[str], context: Context) -> list[Position]:
        """Write a tombstone (null value) under each key of a compacted topic. Raises LogUnavailable."""
        ...

    async def ends(self, topic: Topic) -> Mapping[int, int]:
        """The end offset of each partition now. Raises LogUnavailable."""
        ...

    async def starts(self, topic: Topic) -> Mapping[int, int]:
        """The first kept offset of each partition. Raises LogUnavailable."""
        ...

    async def since(self, topic: Topic, time_ms: int) -> Mapping[int, int]:
        """Of each partition the offset of the first record written then or later (milliseconds since 1970); where there is none, the end."""
        ...

    async def epoch(self, topic: Topic) -> str:
        """The identity of the topic, which changes when it is deleted and made again: offsets of one mean nothing in the other."""
        ...

    def follow(self, topic: Topic, start: Mapping[int, int] | None = None) -> AbstractAsyncContextManager[Follower]:
        """Read the topic from these offsets on, by partition; None: from its beginning. Offsets that are gone mean the first kept."""
        ...

    def past(self, topic: Topic, start: Mapping[int, int], end: Mapping[int, int]) -> AsyncGenerator[Stretch, None]:
        """What lies in [start, end), one partition after the other. Offsets that are gone mean the first kept. Close it (`aclosing`).

        Raises LogUnavailable, also if nothing comes for half a minute.
        """
        ...

    def share(self, topic: Topic, group: str) -> AbstractAsyncContextManager[Share]:
        """Read the topic together with all who share it under that name, from where they stand; the first begins at its beginning."""
        ...

    async def noted(self, topic: Topic, group: str) -> Mapping[int, int]:
        """How far those are who share the topic under that name, as `Share.noted` says it, without being one of them. Raises LogUnavailable."""
        ...
