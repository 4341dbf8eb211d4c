"""Bounds: what someone says of how far the log is to be read, as offsets. Fixed before anything is read."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from connectors.journal.base import Journal
from schemas.errors import InvalidPosition
from schemas.topics import ANSWERS, FEEDBACK, Topic
from streams.positions import milliseconds
from streams.preferences.replay import Bounds, bounds_now

_REMEDY = (
    'Give a time such as 2026-11-21T02:00:00Z, or offsets such as {"feedback": {"0": 12}, "answers": {"0": 40}}; a manifest.json has them as `end`.'
)


async def bounds_at(at: str | None, journal: Journal) -> Bounds:
    """None: all that is there by now. Raises InvalidPosition, LogUnavailable."""
    if at is None:
        return await bounds_now(journal)
    if at.lstrip().startswith("{"):
        feedback, answers = _offsets(at)
        return Bounds(await _checked(feedback, FEEDBACK, journal), await _checked(answers, ANSWERS, journal))
    behind = milliseconds(at) + 1
    return Bounds(await journal.since(FEEDBACK, behind), await journal.since(ANSWERS, behind))


def _offsets(at: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """Of both topics."""
    try:
        fields = orjson.loads(at)
        feedback, answers = ({int(partition): int(offset) for partition, offset in fields[name].items()} for name in ("feedback", "answers"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidPosition(f"{at!r} is no position.", remedy=_REMEDY) from error
    return feedback, answers


async def _checked(offsets: Mapping[int, int], topic: Topic, journal: Journal) -> Mapping[int, int]:
    """Of a partition that is not named, nothing is read."""
    starts, ends = await journal.starts(topic), await journal.ends(topic)
    for partition, offset in offsets.items():
        if partition not in ends or not starts[partition] <= offset <= ends[partition]:
            held = f"{starts[partition]} to {ends[partition]}" if partition in ends else "not there"
            raise InvalidPosition(f"{topic.name}[{partition}]@{offset} is not in the log: that partition is {held}.", remedy=_REMEDY)
    return {partition: offsets.get(partition, starts[partition]) for partition in ends}
