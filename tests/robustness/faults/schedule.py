"""When which fault comes: a pure function of seed, length and mix, so that the same seed means the same faults."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from tests.robustness.mixes import KINDS, Mix

FIRST_AT_S = 6.0  # traffic has begun by then


class Planned(NamedTuple):
    """A fault that is to come."""

    kind: str
    target: str
    at_s: float  #: from the run's beginning
    lasts_s: float
    deck: int = 0  #: of one deck, none begins before the one before it has healed


def schedule(seed: int, seconds: float, mix: Mix) -> tuple[Planned, ...]:
    """All faults of a run, in order. Each has healed before the traffic ends."""
    decks = (_of_deck(random.Random(f"{seed}/faults/{number}"), number, seconds, mix) for number, deck in enumerate(mix.decks) if deck)
    return tuple(sorted(chain.from_iterable(decks), key=lambda fault: fault.at_s))


def _of_deck(chance: random.Random, number: int, seconds: float, mix: Mix) -> Iterator[Planned]:
    """One after the other."""
    at_s = FIRST_AT_S + chance.uniform(0, mix.pause_s[0])
    for name in _drawn(chance, mix.decks[number]):
        kind = KINDS[name]
        lasts_s = round(chance.uniform(kind.shortest_s, kind.longest_s), 2)
        fault = Planned(name, chance.choice(kind.targets), round(at_s, 2), lasts_s, number)
        if fault.at_s + fault.lasts_s > seconds:
            return
        yield fault
        at_s = fault.at_s + fault.lasts_s + chance.uniform(*mix.pause_s)


def _drawn(chance: random.Random, deck: tuple[str, ...]) -> Iterator[str]:
    """Each once before any comes again."""
    while True:
        yield from chance.sample(deck, len(deck))
