"""Following: to hear of every record of a topic, whichever worker's partition it lies in. Outside the consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
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
    """Give `hear` each event of the wanted type that is written from now on, until cancelled. While the log is away, `deaf` is told."""
    await follow_events(journal, topic, wanted, hear, start=lambda: journal.ends(topic), deaf=deaf)


async def follow_events(
    journal: Journal,
    topic: Topic,
    wanted: type[Wanted],
    hear: Callable[[Wanted], None],
    *,
    start: Callable[[], Awaitable[Mapping[int, int]]],
    worth: Callable[[Record], bool] = lambda record: True,
    deaf: Callable[[], None] = lambda: None,
) -> None:
    """The same from the offsets that `start` says. `worth`: whether a record is to be decoded at all."""
    await follow_records(journal, topic, wanted, lambda event, _: hear(event), start=start, worth=worth, deaf=deaf)


async def follow_records(
    journal: Journal,
    topic: Topic,
    wanted: type[Wanted],
    hear: Callable[[Wanted, Record], None],
    *,
    start: Callable[[], Awaitable[Mapping[int, int]]],
    worth: Callable[[Record], bool] = lambda record: True,
    deaf: Callable[[], None] = lambda: None,
) -> None:
    """The same for whoever has to know where each record lies. Whatever fails, it is asked again. Between two records others have their turn."""
    positions: Mapping[int, int] | None = None
    while True:
        try:
            positions = await start() if positions is None else positions
            async with journal.follow(topic, positions) as follower:
                while True:
                    for record in await follower.read(timeout_s=5.0):
                        if worth(record):
                            _pass_on(record, wanted, hear)
                        await asyncio.sleep(0)
                    positions = dict(follower.positions)
        except LogUnavailable as error:
            log.warning("topic not heard", topic=topic.name, error=str(error))
        except Exception:
            log.exception("topic not heard", topic=topic.name)
        deaf()
        await asyncio.sleep(_RETRY_S)


def _pass_on(record: Record, wanted: type[Wanted], hear: Callable[[Wanted, Record], None]) -> None:
    """What `hear` cannot take is passed over: whoever follows hears of all, and one record would stop every worker, and each that takes over."""
    if event_type_of(record) not in (wanted.__name__, ""):  # a producer may leave headers out
        return
    try:
        event = decode(record)
        if isinstance(event, wanted):
            hear(event, record)
    except UnreadableRecord:
        return  # an agent that owns the partition puts it among the dead letters
    except Exception:
        log.exception("record passed over", record=str(record.position), type=wanted.__name__)
