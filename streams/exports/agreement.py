"""Agreement: what several raters think of the same, as one opinion. The majority's is exported once; where none has it, none is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeVar

from schemas.events import PreferencePairFormed, Side

T = TypeVar("T", bound=Hashable)


class Majority(NamedTuple):
    """Pairs that say the same of the same two answers, one of each rater."""

    pairs: tuple[PreferencePairFormed, ...]  #: by pair id
    agreement: float


def majorities(pairs: Iterable[PreferencePairFormed]) -> list[Majority | None]:
    """Of each two answers the side that more raters are on; None where as many are on the other."""
    couples: dict[frozenset[str], list[PreferencePairFormed]] = {}
    for pair in pairs:
        couples.setdefault(frozenset((_name(pair.chosen), _name(pair.rejected))), []).append(pair)
    return [_majority(couple) for couple in couples.values()]


def most(opinions: Iterable[T]) -> tuple[T, float] | None:
    """The opinion of most, and their share; None for a draw, and for no opinions."""
    counted = Counter(opinions)
    first = counted.most_common(2)
    if not first or (len(first) == 2 and first[0][1] == first[1][1]):
        return None
    return first[0][0], first[0][1] / counted.total()


def _majority(couple: list[PreferencePairFormed]) -> Majority | None:
    found = most([_name(pair.chosen) for pair in couple])
    if found is None:
        return None
    name, agreement = found
    return Majority(tuple(sorted((pair for pair in couple if _name(pair.chosen) == name), key=lambda pair: pair.pair_id)), agreement)


def _name(side: Side) -> str:
    """Two raters who correct an answer in the same words say the same."""
    return side.answer_id or f"correction\x1f{side.text}"
