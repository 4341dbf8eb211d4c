"""The records in a fetched partition's bytes."""

from __future__ import annotations

from collections.abc import Container
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
    records: list[Record] = []
    if not raw:
        return Fetched(records, start)
    topic, number = partition
    batches, behind = MemoryRecords(raw), start
    while batches.has_next():
        batch = batches.next_batch()
        behind = max(behind, batch.next_offset)
        if batch.is_control_batch:
            continue
        records += [
            Record(topic, number, record.offset, record.key, record.value, tuple(record.headers), record.timestamp)
            for record in batch
            if record.offset >= start and (keys is None or record.key in keys)
        ]
    return Fetched(records, behind)
