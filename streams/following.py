"""Following: to hear of every record of a topic from now on, whichever worker's partition it lies in. Outside the consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog

from connectors.journal.base import Journal
from schemas.codec import decode, event_type_of
from schemas.errors import LogUnavailable, UnreadableRecord
from schemas.events import Event
from schemas.record import Record
from schemas.topics import Topic

_RETRY_S = 1.0

Wanted = TypeVar("Wanted", bound=Event)

log = structlog.get_logger(__name__)


async def follow_from_now(
    journal: Journal, topic: Topic, wanted: type[Wanted], hear: Callable[[Wanted], None], *, deaf: Callable[[], None] = lambda: None
) -> None:
    """Give `hear` each event of the wanted type, until cancelled. While the log is away it is asked again, and `deaf` is told."""
    start: Mapping[int, int] | None = None
    while True:
        try:
            start = await journal.ends(topic) if start is None else start
            async with journal.follow(topic, start) as follower:
                while True:
                    for record in await follower.read(timeout_s=5.0):
                        _pass_on(record, wanted, hear)
                    start = dict(follower.positions)
        except LogUnavailable as error:
            log.warning("topic not heard", topic=topic.name, error=str(error))
            deaf()
            await asyncio.sleep(_RETRY_S)


def _pass_on(record: Record, wanted: type[Wanted], hear: Callable[[Wanted], None]) -> None:
    if event_type_of(record) not in (wanted.__name__, ""):  # a producer may leave headers out
        return
    try:
        event = decode(record)
    except UnreadableRecord:
        return  # an agent that owns the partition puts it among the dead letters
    if isinstance(event, wanted):
        hear(event)
