"""Split: train or test, by the prompt alone, so that no prompt is in both; and as many undesirable rows as desirable ones, for KTO. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, TypeVar

from streams.text_hash import text_hash

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
_BITS = 32
_MOST = 4 / 3  # desirable rows to each undesirable one: TRL asks for 1:1 to 4:3


class Labelled(Protocol):
    """A row, or what is known of one that is set aside."""

    @property
    def row_id(self) -> str: ...

    @property
    def said(self) -> str: ...

    @property
    def label(self) -> bool: ...


R = TypeVar("R", bound=Labelled)


def split_of(prompt_hash: str, test_share: float) -> Split:
    """The same prompt is always on the same side; a larger share only takes more prompts over."""
    place = int(text_hash("split", prompt_hash)[: _BITS // 4], 16)
    return "test" if place < test_share * 2**_BITS else "train"


def balanced(rows: Sequence[R]) -> list[R]:
    """The rows without those that one side has too many of; which of them go is up to their ids."""
    good, bad = [row for row in rows if row.label], [row for row in rows if not row.label]
    if len(good) > len(bad) * _MOST:
        good = _some(good, int(len(bad) * _MOST))
    elif len(bad) > len(good):
        bad = _some(bad, len(good))
    kept = {row.row_id for row in (*good, *bad)}
    return [row for row in rows if row.row_id in kept]


def distinct(rows: Iterable[R]) -> list[R]:
    """Of rows that say the same, the first."""
    first: dict[tuple[str, bool], R] = {}
    for row in rows:
        first.setdefault((row.said, row.label), row)
    return list(first.values())


def _some(rows: Sequence[R], count: int) -> list[R]:
    return sorted(rows, key=lambda row: text_hash("balance", row.row_id))[:count]
