"""How the cluster's topics differ from the table's."""

from __future__ import annotations

import pytest

from connectors.kafka.admin import TopicState
from infra.topics import Difference, differences
from schemas.settings import Settings
from schemas.topics import QUERIES, SESSIONS, topic_config

SETTINGS = Settings(partitions=8)


def state(**changed: object) -> TopicState:
    """The `queries` topic as the table wants it, but for what is changed."""
    config = topic_config(QUERIES, SETTINGS)
    return TopicState("queries", 8, 1, config, config)._replace(**changed)  # type: ignore[arg-type]


def test_a_topic_as_the_table_says_does_not_differ() -> None:
    """Nothing to do, nothing reported."""
    assert differences(QUERIES, state(), SETTINGS) == ()


def test_an_absent_topic_is_made() -> None:
    """With as many partitions as the settings ask for."""
    expected = (Difference("sessions", "absent", "", "", "3 partitions", True),)

    assert expected == differences(SESSIONS, None, Settings(session_lanes=3))


@pytest.mark.parametrize(("present", "mends"), [(4, True), (16, False)])
def test_partitions_are_added_but_never_taken_away(present: int, mends: bool) -> None:
    """Taking partitions away would lose records."""
    expected = (Difference("queries", "partitions", "", str(present), "8", mends),)

    assert expected == differences(QUERIES, state(partitions=present), SETTINGS)


def test_another_replication_factor_is_reported_only() -> None:
    """Moving replicas is an operator's decision."""
    expected = (Difference("queries", "replicas", "", "1", "3", False),)

    assert expected == differences(QUERIES, state(), SETTINGS.model_copy(update={"kafka_replicas": 3}))


def test_a_differing_setting_is_named_with_both_values() -> None:
    """What an operator changed by hand is put back, and said."""
    config = {**topic_config(QUERIES, SETTINGS), "retention.ms": "5", "segment.bytes": "1048576"}
    expected = (Difference("queries", "config", "retention.ms", "5", "2592000000", True),)

    assert expected == differences(QUERIES, state(config=config), SETTINGS)
