"""connectors/session_log/kafka_tail.py: what of a lane is tailed, for whom, and how much of it is known."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from connectors.session_log import kafka_tail
from connectors.session_log.kafka_places import Place
from connectors.session_log.kafka_tail import LiveTails

LANE = Place(TopicPartition("sessions", 3), UUID(int=1), 0)
MADE_AGAIN = LANE._replace(epoch=UUID(int=2))


class Still:
    """A tailer to which nothing comes."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.at: dict[TopicPartition, int] = {}

    def position(self, partition: TopicPartition) -> int | None:
        return self.at.get(partition)

    def watch(self, partition: TopicPartition, offset: int, *_: Any) -> None:
        self.at[partition] = offset

    def unwatch(self, partition: TopicPartition) -> None:
        self.at.pop(partition, None)


@pytest.fixture
def tails(monkeypatch: pytest.MonkeyPatch) -> LiveTails:
    monkeypatch.setattr(kafka_tail, "Tailer", Still)
    return LiveTails(cast(AIOKafkaClient, None), queue_records=10)


async def test_an_index_knows_no_more_than_what_has_come(tails: LiveTails) -> None:
    """However far the log is by now. With an index alone nobody reads the lane: where it ends, the broker is asked."""
    first, later = tails.index(LANE, 10), tails.index(LANE, 50)

    assert first is not None
    assert first == later
    assert (first[0].begin, first[1]) == (10, 10)
    assert tails.read_up_to(LANE) is None


async def test_an_index_that_is_used_no_more_is_given_up(tails: LiveTails) -> None:
    """But not the lane of those who read it; and a reader that goes leaves the index."""
    drop = tails._drop_index
    async with tails.subscribe(LANE, b"session", 10, 10):
        tails.index(LANE, 10)
        kept = tails._feeds[LANE.partition]
        drop(LANE.partition, kept)
        watched = [tails.read_up_to(LANE), kept.index]
        tails.index(LANE, 10)
    left = tails._feeds.get(LANE.partition)
    drop(LANE.partition, kept)

    assert watched == [10, None]
    assert left is kept
    assert (tails._feeds, tails._position(LANE)) == ({}, None)


async def test_a_topic_made_again_is_not_looked_up_in_the_old_ones_index(tails: LiveTails) -> None:
    """Nor do those who read the one lose it to who read the other back."""
    async with tails.subscribe(LANE, b"session", 10, 10):
        assert tails.index(MADE_AGAIN, 5) is None
        assert tails.read_up_to(LANE) == 10
