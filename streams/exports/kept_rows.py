"""Kept rows: those of an export, set aside on disk; in memory of each only what puts it in order and tells it from others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.exports.row import Row
from streams.set_aside import SetAside


class Kept(NamedTuple):
    """What is known of a row that is set aside."""

    row_id: str
    said: str
    label: bool
    prompt_hash: str
    place: int


class Rows:
    """Rows in their order, each read when its turn comes; as often as wanted."""

    def __init__(self, aside: SetAside[Row], kept: Sequence[Kept]) -> None:
        self._aside, self._kept = aside, kept

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def labels(self) -> dict[str, int]:
        """How many have each."""
        desirable = sum(kept.label for kept in self._kept)
        return {"desirable": desirable, "undesirable": len(self) - desirable}

    def __iter__(self) -> Iterator[Row]:
        return (self._aside.read(kept.place) for kept in self._kept)


def set_aside(row: Row, aside: SetAside[Row]) -> Kept:
    """Keep a row for later."""
    return Kept(row.row_id, row.said, row.label, row.prompt_hash, aside.keep(row))
