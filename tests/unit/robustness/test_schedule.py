"""Which faults come when."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.robustness.faults.schedule import FIRST_AT_S, schedule
from tests.robustness.mixes import KINDS, MIXES

NAMES = st.sampled_from(sorted(MIXES))
SEEDS = st.integers(0, 10**6)
LENGTHS = st.floats(10, 3_600)


@given(NAMES, SEEDS, LENGTHS)
def test_the_same_seed_means_the_same_faults(name: str, seed: int, seconds: float) -> None:
    """A run that found something can be repeated."""
    assert schedule(seed, seconds, MIXES[name]) == schedule(seed, seconds, MIXES[name])


@given(NAMES, SEEDS, LENGTHS)
def test_every_fault_lies_within_the_run(name: str, seed: int, seconds: float) -> None:
    """Traffic has begun before the first, and goes on until the last is over."""
    outside = [fault for fault in schedule(seed, seconds, MIXES[name]) if fault.at_s < FIRST_AT_S or fault.at_s + fault.lasts_s > seconds]

    assert outside == []


@given(NAMES, SEEDS)
def test_faults_of_one_deck_do_not_overlap(name: str, seed: int) -> None:
    """What is killed is not told to stop meanwhile, and each has its own time without service."""
    plan = schedule(seed, 1_800, MIXES[name])
    decks = [[fault for fault in plan if fault.deck == number] for number in range(len(MIXES[name].decks))]

    assert all(before.at_s + before.lasts_s < behind.at_s for deck in decks for before, behind in pairwise(deck))


@given(NAMES, SEEDS)
def test_no_kind_comes_again_before_every_other_has_come(name: str, seed: int) -> None:
    """A run of minutes has seen all of its mix."""
    plan = schedule(seed, 3_600, MIXES[name])
    for number, deck in enumerate(MIXES[name].decks):
        kinds = [fault.kind for fault in plan if fault.deck == number]

        assert all(sorted(deck) == sorted(kinds[first : first + len(deck)]) for first in range(0, len(kinds) - len(deck) + 1, len(deck) or 1))


@pytest.mark.parametrize("name", sorted(MIXES))
def test_a_mix_names_faults_that_there_are(name: str) -> None:
    """Each with a target and a length of its kind."""
    for fault in schedule(7, 3_600, MIXES[name]):
        assert fault.target in KINDS[fault.kind].targets
        assert KINDS[fault.kind].shortest_s <= fault.lasts_s <= KINDS[fault.kind].longest_s


def test_only_the_mix_that_breaks_it_needs_weaviate() -> None:
    """It is built with Go, which the others do without."""
    assert ["weaviate"] == [name for name, mix in MIXES.items() if mix.weaviate]


def test_another_seed_means_other_faults() -> None:
    """Else many runs would be one."""
    assert 20 == len({schedule(seed, 300, MIXES["all"]) for seed in range(20)})
