"""Topic reading: what a topic holds up to now, for routes that fold a small one whenever they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from connectors.journal.base import Journal
from schemas.errors import LogUnavailable
from schemas.record import Record
from schemas.topics import Topic

_READ_S = 0.5


async def records_until_now(journal: Journal, topic: Topic, patience_s: float) -> AsyncGenerator[Record, None]:
    """Every kept record of the topic, each partition in order. Raises LogUnavailable, also if it takes longer than `patience_s`."""
    ends = await journal.ends(topic)
    try:
        async with asyncio.timeout(patience_s), journal.follow(topic) as follower:
            while any(follower.positions.get(partition, 0) < end for partition, end in ends.items()):
                for record in await follower.read(_READ_S):
                    yield record
    except TimeoutError as error:
        raise LogUnavailable(f"Topic {topic.name} could not be read to its end within {patience_s:g} s.") from error
