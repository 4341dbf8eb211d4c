"""Replay: the records of a topic once more, up to an end that was fixed before. What rebuilds and replays read; no model is asked anything.

Called by streams/rebuild_index.py, streams/derivation.py and streams/past_questions.py. Guarantees: every kept record below the end, of each
partition in order, and none behind it; it ends, also where compaction has taken the last ones away.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing

from connectors.journal.base import Journal
from schemas.record import Record
from schemas.topics import Topic

#: Told how many offsets were passed.
Advance = Callable[[int], None]


async def history(
    journal: Journal, topic: Topic, end: Mapping[int, int], *, start: Mapping[int, int] | None = None, advance: Advance = lambda _: None
) -> AsyncGenerator[Iterable[Record], None]:
    """What lies below `end`, by partition; from `start` on, if given. Raises LogUnavailable, also if nothing comes for half a minute.

    Go through what is yielded once, before the next is asked for: records are made as they are looked at.
    """
    done = {number: max(offset, (start or {}).get(number, 0)) for number, offset in (await journal.starts(topic)).items()}
    async with aclosing(journal.past(topic, done, end)) as stretches:
        async for stretch in stretches:
            advance(stretch.behind - done[stretch.partition])
            done[stretch.partition] = stretch.behind
            yield stretch.records


async def length(journal: Journal, topic: Topic, end: Mapping[int, int]) -> int:
    """How many offsets a history has: what `advance` will be told in all."""
    done = await journal.starts(topic)
    return sum(max(offset - done.get(partition, 0), 0) for partition, offset in end.items())
