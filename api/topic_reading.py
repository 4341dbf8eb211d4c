"""Topic reading: what a topic holds up to now, for routes that fold a small one whenever they are asked; and following one for as long as the
process runs, for projections in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import structlog

from connectors.journal.base import Journal, reached
from schemas.errors import LogUnavailable, Unavailable
from schemas.record import Record
from schemas.topics import Topic

_READ_S = 0.5
_RETRY_S = 2.0


async def records_until_now(journal: Journal, topic: Topic, patience_s: float) -> AsyncGenerator[Record, None]:
    """Every kept record of the topic, each partition in order. Raises LogUnavailable, also if it takes longer than `patience_s`."""
    ends = await journal.ends(topic)
    try:
        async with asyncio.timeout(patience_s), journal.follow(topic) as follower:
            while not reached(follower.positions, ends):
                for record in await follower.read(_READ_S):
                    yield record
    except TimeoutError as error:
        raise LogUnavailable(f"Topic {topic.name} could not be read to its end within {patience_s:g} s.") from error


async def followed_for_ever(topic: Topic, follow: Callable[[], Awaitable[None]]) -> None:
    """`follow` until cancelled. Whatever it fails for, it is begun again: a projection must not stand still for as long as the process runs."""
    log = structlog.get_logger(__name__)
    while True:
        try:
            await follow()
        except Unavailable as error:
            log.warning("topic_not_followed", topic=topic.name, error=str(error), retry_s=_RETRY_S)
        except Exception:
            log.exception("topic_not_followed", topic=topic.name, retry_s=_RETRY_S)
        await asyncio.sleep(_RETRY_S)
