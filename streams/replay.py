"""Replay: the records of a topic once more, up to an end that was fixed before. What rebuilds and replays read; no model is asked anything.

Called by streams/rebuild_index.py, streams/derivation.py and streams/past_questions.py. Guarantees: every kept record below the end, of each
partition in order, and none behind it; it ends, also where compaction has taken the last ones away.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from connectors.journal.base import Journal
from schemas.errors import LogUnavailable
from schemas.record import Record
from schemas.topics import Topic

_READ_S = 0.5
_SILENCE_READS = 60  # in a row without a step forward: half a minute

#: Told how many offsets were passed.
Advance = Callable[[int], None]


async def history(
    journal: Journal, topic: Topic, end: Mapping[int, int], *, start: Mapping[int, int] | None = None, advance: Advance = lambda _: None
) -> AsyncGenerator[Sequence[Record], None]:
    """What lies below `end`, by partition, as it comes; from `start` on, if given. Raises LogUnavailable, also if nothing comes for half a minute."""
    done = {**await journal.starts(topic), **(start or {})}
    silent = 0
    if not _left(done, end):
        return
    async with journal.follow(topic, start) as follower:
        while _left(done, end):
            records = await follower.read(_READ_S)
            before, done = _left(done, end), {**done, **follower.positions}
            advance(before - _left(done, end))
            silent = 0 if records or _left(done, end) < before else silent + 1
            if silent >= _SILENCE_READS:
                raise LogUnavailable(f"Topic {topic.name} gave nothing for {_READ_S * _SILENCE_READS:.0f} s, with {before} offsets to go.")
            yield [record for record in records if record.offset < end.get(record.partition, 0)]


async def length(journal: Journal, topic: Topic, end: Mapping[int, int]) -> int:
    """How many offsets a history has: what `advance` will be told in all."""
    return _left(dict(await journal.starts(topic)), end)


def _left(done: Mapping[int, int], end: Mapping[int, int]) -> int:
    return sum(max(offset - done.get(partition, 0), 0) for partition, offset in end.items())
