"""Positions: what someone says of a time or a place in the log, as offsets. The words of `roxy index rebuild --at`."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from connectors.journal.base import Journal
from schemas.errors import InvalidPosition
from schemas.events import IndexPosition
from schemas.topics import CHUNKS, DOCUMENTS, HISTORY_MS, Topic
from streams.past_questions import past_question
from streams.rebuild_index import Origin, Source

_OFFSETS = re.compile(r"\d+:\d+(,\d+:\d+)*")
_QUESTION = "query:"


class Place(NamedTuple):
    """Where in `chunks`; and when, if a time was given."""

    offsets: Mapping[int, int]
    time_ms: int | None


async def origin_at(at: str | None, source: Source | None, journal: Journal) -> Origin:
    """What a generation at that position is made of. None: the present; source None: `chunks`, where it still holds all versions.

    Raises InvalidPosition, UnknownQuery, LogUnavailable.
    """
    place = await _place(at, journal)
    source = source or ("documents" if _is_compacted(place.time_ms) else "chunks")
    if source == "chunks":
        return Origin(source, place.offsets, {})
    if at is not None and place.time_ms is None:
        raise InvalidPosition("Offsets of `chunks` do not say which documents there were.", remedy="With --from documents, give a time.")
    return Origin(source, place.offsets, await _until(journal, DOCUMENTS, place.time_ms))


def offsets_of(position: IndexPosition) -> dict[int, int]:
    """As numbers."""
    return {int(partition): offset for partition, offset in position.offsets.items()}


async def _place(at: str | None, journal: Journal) -> Place:
    if at is None:
        return Place(await journal.ends(CHUNKS), None)
    if at.startswith(_QUESTION):
        past = await past_question(journal, at.removeprefix(_QUESTION))
        return Place(await _checked(offsets_of(past.found.index), journal), None)
    if at.startswith("{"):
        return Place(await _checked(_from_json(at), journal), None)
    if _OFFSETS.fullmatch(at):
        return Place(await _checked({int(pair.partition(":")[0]): int(pair.partition(":")[2]) for pair in at.split(",")}, journal), None)
    time_ms = milliseconds(at)
    return Place(await _until(journal, CHUNKS, time_ms), time_ms)


def milliseconds(at: str) -> int:
    """Without a zone it is UTC. Raises InvalidPosition."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise InvalidPosition(f"{at!r} is no position.") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


async def _until(journal: Journal, topic: Topic, time_ms: int | None) -> Mapping[int, int]:
    """What was written then or earlier."""
    return await journal.ends(topic) if time_ms is None else await journal.since(topic, time_ms + 1)


def _is_compacted(time_ms: int | None) -> bool:
    """Whether `chunks` may have lost versions of that time."""
    return time_ms is not None and time.time_ns() // 1_000_000 - time_ms > HISTORY_MS


def _from_json(at: str) -> dict[int, int]:
    """An IndexPosition, or its offsets alone."""
    try:
        fields = orjson.loads(at)
        return {int(partition): int(offset) for partition, offset in fields.get("offsets", fields).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidPosition(f"{at!r} is no position.") from error


async def _checked(offsets: dict[int, int], journal: Journal) -> dict[int, int]:
    """Raises InvalidPosition for what the log does not reach, or does not reach back to."""
    starts, ends = await journal.starts(CHUNKS), await journal.ends(CHUNKS)
    for partition, offset in offsets.items():
        if partition not in ends or not starts[partition] <= offset <= ends[partition]:
            held = f"{starts[partition]} to {ends[partition]}" if partition in ends else "not there"
            raise InvalidPosition(f"{CHUNKS.name}[{partition}]@{offset} is not in the log: that partition is {held}.")
    return offsets
