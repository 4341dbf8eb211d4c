"""The records in a fetched partition's bytes."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from schemas.record import Record


class Fetched(NamedTuple):
    """Records of one partition, and the offset to fetch next (behind the last batch, so that compaction's holes are passed)."""

    records: list[Record]
    behind: int


def read_batches(raw: bytes | None, partition: TopicPartition, start: int, keys: Container[bytes] | None = None) -> Fetched:
    """The records at `start` and after, only those under `keys` if given. A batch can begin before `start`; control batches are passed over."""
    return Fetched(list(each_record(raw, partition, start, keys)), behind(raw, start))


def each_record(raw: bytes | None, partition: TopicPartition, start: int, keys: Container[bytes] | None = None) -> Iterator[Record]:
    """Like read_batches, but one after the other. Of a thousand that are there at once the garbage collector looks at every header, several times."""
    topic, number = partition
    for found in each_found(raw, start, keys):
        yield Record(topic, number, found.offset, found.key, found.value, tuple(found.headers), found.timestamp)


def each_found(raw: bytes | None, start: int, keys: Container[bytes] | None = None) -> Iterator[Any]:
    """Like each_record, but as aiokafka hands them out (`offset`, `key`, `value`, `headers`, `timestamp`): for who makes something else of them."""
    if not raw:
        return
    batches = MemoryRecords(raw)
    while batches.has_next():
        batch = batches.next_batch()
        if batch.is_control_batch:
            continue
        for found in batch:
            if found.offset >= start and (keys is None or found.key in keys):
                yield found


def behind(raw: bytes | None, start: int) -> int:
    """The offset behind the last batch, by its beginning alone: no record is looked at."""
    batches = MemoryRecords(raw or b"")
    while batches.has_next():
        start = max(start, batches.next_batch().next_offset)
    return start
