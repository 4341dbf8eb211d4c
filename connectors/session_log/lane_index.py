"""Lane index: where in a lane the records lie that are no tokens, by session. Whoever reads a session back need not read those of all others.

Held in memory, of what came while this process watches the lane and of some records before: it tells no more than the log would, and of what it
does not know the log is read. Bounded: of two generations the older one is forgotten when the younger one is full.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.events import TokensGenerated

_LONGEST_KEY = 64  # a session's id is shorter; a foreign producer may write megabytes
_TOKENS = ("ce_type", TokensGenerated.__name__.encode())
_NEAR = 100  # records that lie so close are read at once: a fetch costs what reading some hundred records does


class Stretch(NamedTuple):
    """Offsets from `start` up to `end`, which is not among them."""

    start: int
    end: int


class LaneIndex:
    """Of one lane: knows of each record from `begin` on that was noted."""

    def __init__(self, begin: int, most: int) -> None:
        self.begin = begin
        self.filling: asyncio.Task[None] | None = None  #: with what came before it; done, or under way
        self._most, self._count = most, 0  # of offsets in a generation
        self._younger_begin = begin
        self._older: dict[bytes, array[int]] = {}
        self._younger: dict[bytes, array[int]] = {}

    def see(self, found: Any) -> None:
        """A record as aiokafka hands it out, in the order of the offsets."""
        if _TOKENS not in found.headers:
            self.note(found.key, found.offset)

    def note(self, key: bytes | None, offset: int) -> None:
        """A record that is no token."""
        if key is None or len(key) > _LONGEST_KEY:
            return
        if self._count >= self._most:
            self._forget(offset)
        self._younger.setdefault(key, array("q")).append(offset)
        self._count += 1

    def stretches(self, key: bytes, start: int, end: int, noted: int) -> list[Stretch]:
        """What has to be read to find all of a key's records in [start, end) that are no tokens, when all before `noted` were noted."""
        begin, noted = min(max(start, self.begin), end), max(start, min(noted, end))
        known = [Stretch(offset, offset + 1) for offset in self._offsets(key) if begin <= offset < noted]
        return [*_joined([Stretch(start, begin), *known, Stretch(max(begin, noted), end)])]

    def before(self, begin: int) -> LaneIndex:
        """An empty one, for what came before this one."""
        return LaneIndex(begin, self._most)

    def take_in(self, earlier: LaneIndex, end: int) -> None:
        """Know what another one knows of the records before `end`, unless this one has forgotten since what it knew from there on."""
        if self.begin == end and not self._older:
            keys = earlier._older.keys() | earlier._younger.keys()
            self._older = {key: array("q", earlier._offsets(key)) for key in keys}
            self.begin = earlier.begin

    def _offsets(self, key: bytes) -> list[int]:
        return [*self._older.get(key, ()), *self._younger.get(key, ())]

    def _forget(self, offset: int) -> None:
        self.begin, self._younger_begin = self._younger_begin, offset
        self._older, self._younger, self._count = self._younger, {}, 0


def _joined(stretches: list[Stretch]) -> Iterator[Stretch]:
    """The same without the empty ones; those that lie near become one."""
    last: Stretch | None = None
    for stretch in stretches:
        if stretch.start >= stretch.end:
            continue
        if last is not None and stretch.start - last.end > _NEAR:
            yield last
            last = None
        last = Stretch(last.start if last else stretch.start, stretch.end)
    if last is not None:
        yield last
