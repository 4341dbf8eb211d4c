"""The records in a fetched partition's bytes."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

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
    if not raw:
        return
    topic, number = partition
    batches = MemoryRecords(raw)
    while batches.has_next():
        batch = batches.next_batch()
        if batch.is_control_batch:
            continue
        for record in batch:
            if record.offset >= start and (keys is None or record.key in keys):
                yield Record(topic, number, record.offset, record.key, record.value, tuple(record.headers), record.timestamp)


def behind(raw: bytes | None, start: int) -> int:
    """The offset behind the last batch, by its beginning alone: no record is looked at."""
    batches = MemoryRecords(raw or b"")
    while batches.has_next():
        start = max(start, batches.next_batch().next_offset)
    return start
