"""connectors/kafka/tailer.py against a broker's answers to one fetch."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from connectors.kafka.fetch_session import FetchSession
from connectors.kafka.tailer import Tailer
from schemas.errors import LogUnavailable, RoxyError

BROKEN, SOUND = TopicPartition("broken", 0), TopicPartition("sound", 0)


class Answer(NamedTuple):
    """The part of a fetch response that the tailer looks at."""

    topics: list[Any]


async def test_records_that_cannot_be_delivered_end_their_partition_alone() -> None:
    """Its readers are told why; the same answer's other partitions are delivered, and the loop goes on."""
    delivered, lost = list[TopicPartition](), dict[TopicPartition, RoxyError]()

    def deliver(partition: TopicPartition, raw: bytes, offset: int) -> int:
        if partition == BROKEN:
            raise ValueError("no such codec")
        delivered.append(partition)
        return offset + 1

    tailer = Tailer(cast(AIOKafkaClient, None), deliver=deliver, lost=lambda partition, error: lost.update({partition: error}))
    session = FetchSession(max_wait_ms=20, max_bytes=1_000)
    for partition in (BROKEN, SOUND):
        session.want(partition, 5)
    session.request()
    settled = await tailer._take(session, Answer([(tp.topic, [(0, 0, 9, 9, 0, None, 0, b"records")]) for tp in (BROKEN, SOUND)]))

    assert (settled, delivered, session.position(SOUND)) == (True, [SOUND], 6)
    assert {partition: type(error) for partition, error in lost.items()} == {BROKEN: LogUnavailable}
    assert "no such codec" in lost[BROKEN].detail
