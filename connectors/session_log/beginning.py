"""Where a reader begins, and what it missed. The same rule for every backend."""

from __future__ import annotations

from typing import NamedTuple

from connectors.session_log.base import Gap
from schemas.cursor import Cursor


class Beginning(NamedTuple):
    """The first offset to read, and the gap before it if there is one."""

    offset: int
    gap: Gap | None


def begin(first: Cursor, end: int, after: Cursor | None) -> Beginning:
    """Where a reader with that cursor begins, of a log whose kept records lie from `first` up to `end`.

    What retention cut, or a topic made anew, is a gap.
    """
    if after is None:
        return Beginning(first.offset, None)
    if after.epoch != first.epoch:
        return Beginning(first.offset, Gap(after, first, "recreated"))
    if not first.offset <= after.offset <= end:
        return Beginning(first.offset, Gap(after, first, "expired"))
    return Beginning(after.offset, None)
