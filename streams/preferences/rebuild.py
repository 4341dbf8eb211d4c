"""Rebuild of `preferences`: what the topic holds against what a replay of `feedback` and `answers` forms, and the records that make them agree.

Called by `roxy preferences rebuild`. The live step keeps the topic up by the sessions' own logs; this one needs `feedback` and `answers` alone, which
are kept for ever: it mends what the step could not know, because a session's log had ended by then, or the setting for implicit signals changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.journal.base import Journal
from schemas.codec import Context, decoded
from schemas.events import PreferencePairFormed
from schemas.topics import PREFERENCES
from streams.preferences.replay import bounds_now, replayed_pairs
from streams.replay import history

_ROUNDS = 5  # feedback that comes meanwhile is the live step's: what was mended past it is seen in the next round


class Difference(NamedTuple):
    """What keeps the topic from agreeing with the log."""

    missing: tuple[PreferencePairFormed, ...]  #: not there
    other: tuple[PreferencePairFormed, ...]  #: there otherwise, or unreadable
    gone: tuple[str, ...]  #: ids of pairs that are there and hold no more
    agreeing: int

    @property
    def size(self) -> int:
        return len(self.missing) + len(self.other) + len(self.gone)


async def difference(journal: Journal, *, implicit_weight: float) -> Difference:
    """The topic is read first: what is in it by then rests on feedback that the replay finds. Raises LogUnavailable."""
    held = await held_pairs(journal)
    return _difference(held, await replayed_pairs(journal, await bounds_now(journal), implicit_weight=implicit_weight))


async def mend(journal: Journal, context: Context, *, implicit_weight: float) -> Difference:
    """Write what is missing and take out what is due, until both agree. Returns what there was to mend at first. Raises LogUnavailable."""
    found = left = await difference(journal, implicit_weight=implicit_weight)
    for _ in range(_ROUNDS):
        if not left.size:
            break
        await journal.append_all([*left.missing, *left.other], context)
        await journal.retract(PREFERENCES, left.gone, context)
        left = await difference(journal, implicit_weight=implicit_weight)
    return found


async def held_pairs(journal: Journal) -> dict[str, PreferencePairFormed | None]:
    """What compaction would leave of the topic, by pair id; None for a record that cannot be read."""
    held: dict[str, PreferencePairFormed | None] = {}
    async for records in history(journal, PREFERENCES, await journal.ends(PREFERENCES)):
        for record in records:
            pair_id = (record.key or b"").decode("utf-8", "replace")
            held.pop(pair_id, None)
            if record.value is not None:
                event = decoded(record)
                held[pair_id] = event if isinstance(event, PreferencePairFormed) else None
    return held


def _difference(held: Mapping[str, PreferencePairFormed | None], replayed: Mapping[str, PreferencePairFormed]) -> Difference:
    both = sorted(held.keys() & replayed.keys())
    other = tuple(replayed[pair_id] for pair_id in both if held[pair_id] != replayed[pair_id])
    missing = tuple(replayed[pair_id] for pair_id in sorted(replayed.keys() - held.keys()))
    return Difference(missing, other, tuple(sorted(held.keys() - replayed.keys())), len(both) - len(other))
