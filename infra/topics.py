"""Topics: make the cluster's agree with the table in `schemas/topics.py`.

Called by `roxy up` before any worker starts, by `roxy topics`, and by the tests. Guarantees: creates what is absent, adds partitions, sets
differing settings; never deletes a topic, never takes partitions away, never touches a setting that the table does not name.
"""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple

from connectors.kafka.admin import KafkaAdmin, TopicState, open_kafka_admin
from schemas.errors import LogUnavailable
from schemas.settings import Settings
from schemas.topics import SESSIONS, TOPICS, Topic, partitions, topic_config

_SEEN_TIMEOUT_S = 15.0
_POLL_S = 0.02

Kind = Literal["absent", "partitions", "replicas", "config"]


class Difference(NamedTuple):
    """One thing in which the cluster is not what the table says."""

    topic: str
    kind: Kind
    setting: str  #: of kind `config`, its name; else empty
    is_now: str  #: empty if absent
    should_be: str
    mends: bool  #: whether `create_topics` changes it

    def __str__(self) -> str:
        what = f"{self.kind} {self.setting}".strip()
        return f"{self.topic}: {what}{f' is {self.is_now},' if self.is_now else ','} should be {self.should_be}"


async def create_topics(settings: Settings, *, check: bool = False, topics: tuple[Topic, ...] = TOPICS) -> tuple[Difference, ...]:
    """Mend every difference that can be mended, and return all that were found. `check`: only look. Raises LogUnavailable."""
    async with open_kafka_admin(settings, "roxy-topics") as admin:
        present = await admin.topics(topic.name for topic in topics)
        found = {topic: differences(topic, present.get(topic.name), settings) for topic in topics}
        if not check and any(_mendable(found)):
            await asyncio.gather(*(_mend(admin, topic, present.get(topic.name), diff, settings) for topic, diff in found.items()))
            await _until_seen(admin, topics, settings)
    return tuple(difference for differing in found.values() for difference in differing)


def differences(topic: Topic, present: TopicState | None, settings: Settings) -> tuple[Difference, ...]:
    """What the cluster's topic lacks of the table's."""
    wanted = partitions(topic, settings)
    if present is None:
        return (Difference(topic.name, "absent", "", "", f"{wanted} partitions", True),)
    found: list[Difference] = []
    if present.partitions != wanted:
        # Fewer cannot be had without losing records, and keys would move: reported, not mended. Sessions that live in a lane would be
        # looked for in another one, so the lanes stay as many as they were.
        mends = present.partitions < wanted and topic is not SESSIONS
        found.append(Difference(topic.name, "partitions", "", str(present.partitions), str(wanted), mends))
    if present.replicas != settings.kafka_replicas:
        # Replicas are moved by an operator's reassignment plan, which knows the brokers' loads.
        found.append(Difference(topic.name, "replicas", "", str(present.replicas), str(settings.kafka_replicas), False))
    return (*found, *_config_differences(topic, present, settings))


def _config_differences(topic: Topic, present: TopicState, settings: Settings) -> list[Difference]:
    return [
        Difference(topic.name, "config", name, present.config.get(name, ""), value, True)
        for name, value in topic_config(topic, settings).items()
        if present.config.get(name) != value
    ]


async def _mend(admin: KafkaAdmin, topic: Topic, present: TopicState | None, found: tuple[Difference, ...], settings: Settings) -> None:
    if present is None:
        config = topic_config(topic, settings)
        await admin.create(topic.name, partitions=partitions(topic, settings), replicas=settings.kafka_replicas, config=config)
        return
    if any(difference.kind == "partitions" and difference.mends for difference in found):
        await admin.add_partitions(topic.name, partitions(topic, settings))
    changes = {difference.setting: difference.should_be for difference in found if difference.kind == "config"}
    if changes:
        await admin.alter_config(present, changes)


async def _until_seen(admin: KafkaAdmin, topics: tuple[Topic, ...], settings: Settings) -> None:
    """A broker learns of what the controller has done some 20 ms later; a Faust agent that starts before subscribes to nothing."""
    try:
        async with asyncio.timeout(_SEEN_TIMEOUT_S):
            while True:
                present = await admin.topics(topic.name for topic in topics)
                if not any(_mendable({topic: differences(topic, present.get(topic.name), settings) for topic in topics})):
                    return
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise LogUnavailable(f"The topics were not there {_SEEN_TIMEOUT_S:.0f} s after they were made.") from error


def _mendable(found: dict[Topic, tuple[Difference, ...]]) -> list[Difference]:
    return [difference for differing in found.values() for difference in differing if difference.mends]
