"""What is past, of one partition: from an offset to an end, whatever the fetches bring and however they fail."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import pytest
from aiokafka.errors import NotLeaderForPartitionError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from connectors.journal.kafka_past import Fetched, stretches
from schemas.errors import LogUnavailable

_PARTITION = TopicPartition("answers", 3)


def batch(first: int, count: int) -> bytes:
    """Records at `first` and after, as a broker hands them out."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1_000_000)
    for place in range(count):
        builder.append(place, 0, b"k", str(first + place).encode(), [("n", str(first + place).encode())])
    raw = builder.build()
    raw[:8] = first.to_bytes(8)  # whoever produces counts from 0, the broker writes where the batch lies
    return bytes(raw)


class Broker:
    """Batches, of which each fetch brings those from an offset on, so many at most; before, what stands in `troubles`."""

    def __init__(self, sizes: Sequence[int], at_once: int, troubles: Sequence[BaseException | None] = ()) -> None:
        ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
        self._batches = [(end, batch(end - size, size)) for size, end in zip(sizes, ends, strict=True)]
        self._at_once, self._troubles = at_once, list(troubles)

    async def __call__(self, offset: int) -> Fetched:
        if self._troubles and (trouble := self._troubles.pop(0)) is not None:
            raise trouble
        found = [(end, raw) for end, raw in self._batches if end > offset][: self._at_once]
        return Fetched(b"".join(raw for _, raw in found), found[-1][0]) if found else Fetched(None, offset)


async def offsets(broker: Broker, start: int, end: int, *, silence_s: float = 20.0) -> list[int]:
    """Of all that comes, and each stretch says where it ends."""
    found, reached = list[int](), start
    async with aclosing(stretches(_PARTITION, start, end, broker, silence_s=silence_s)) as parts:
        async for part in parts:
            records = list(part.records)
            found += [record.offset for record in records]
            assert [str(record.offset).encode() for record in records] == [record.value for record in records]
            assert all(reached <= record.offset < part.behind <= end for record in records)
            reached = part.behind
    assert reached == max(start, end)
    return found


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 4), st.data())
async def test_every_record_between_start_and_end_comes_once_and_in_order(sizes: list[int], at_once: int, data: st.DataObject) -> None:
    """Wherever both lie in the batches, and however many of those a fetch brings."""
    end = data.draw(st.integers(0, sum(sizes)))
    start = data.draw(st.integers(0, end))

    assert list(range(start, end)) == await offsets(Broker(sizes, at_once), start, end)


async def test_a_leader_that_is_away_for_a_while_is_waited_for() -> None:
    """Nothing is lost or doubled by it."""
    broker = Broker([4, 4, 4], 1, [None, NotLeaderForPartitionError(), OSError("gone"), None])

    assert list(range(12)) == await offsets(broker, 0, 12)


async def test_a_log_that_gives_nothing_is_away() -> None:
    """A rebuild does not wait for ever; what was wrong is said."""
    with pytest.raises(LogUnavailable, match=r"answers\[3\]@4 gave nothing for 0.2 s"):
        await offsets(Broker([4], 1), 0, 9, silence_s=0.2)
    with pytest.raises(LogUnavailable, match=r"gave nothing for 0.2 s. Kafka: .*NotLeader"):
        await offsets(Broker([4], 1, [NotLeaderForPartitionError()] * 99), 0, 4, silence_s=0.2)
