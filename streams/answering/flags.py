"""Flags as a worker and the command line read them: topic `flags` from its beginning. How they stand, schemas/flags.py says."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.journal.base import Journal
from schemas.codec import decoded
from schemas.events import FlagChanged
from schemas.flags import Flags
from schemas.topics import FLAGS
from streams.following import follow_events
from streams.replay import history


async def read_flags(journal: Journal, flags: Flags) -> Mapping[int, int]:
    """Fold all that is there now; what comes later begins at the offsets returned. Raises LogUnavailable."""
    end = await journal.ends(FLAGS)
    for change in await flag_changes(journal, end):
        flags.fold(change)
    return end


async def follow_flags(journal: Journal, flags: Flags, start: Mapping[int, int]) -> None:
    """Fold what comes, until cancelled."""

    async def behind() -> Mapping[int, int]:
        return start

    await follow_events(journal, FLAGS, FlagChanged, flags.fold, start=behind)


async def flag_changes(journal: Journal, end: Mapping[int, int]) -> list[FlagChanged]:
    """All changes below these offsets, the first one first, each once. Raises LogUnavailable."""
    events = [decoded(record) async for records in history(journal, FLAGS, end) for record in records]
    return list({change.id: change for change in events if isinstance(change, FlagChanged)}.values())
