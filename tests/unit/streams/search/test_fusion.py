"""Fusion: two lists of hits to one ranking."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vector_index.base import Hit
from streams.search.candidate import Fused
from streams.search.fusion import fuse
from streams.search.plan import Plan

WEIGHTED, RRF = Plan(), Plan(fusion="rrf")
SCORES = st.integers(-100, 100).map(lambda number: number / 4)
HITS = st.dictionaries(st.sampled_from("abcdefghij"), SCORES).map(
    lambda scores: sorted((Hit(*pair) for pair in scores.items()), key=lambda hit: (-hit.score, hit.chunk_id))
)
PLANS = st.sampled_from([WEIGHTED, RRF, Plan(keyword_weight=0.0), Plan(keyword_weight=0.8)])


def order(fused: list[Fused]) -> list[str]:
    return [found.chunk_id for found in fused]


def test_by_rank_what_both_found_comes_first() -> None:
    """1 / (60 + rank) from each list, and both scores are kept."""
    fused = fuse([Hit("a", 0.9), Hit("b", 0.8)], [Hit("b", 5.0), Hit("c", 4.0)], RRF)

    assert [Fused("b", 1 / 62 + 1 / 61, 0.8, 5.0), Fused("a", 1 / 61, 0.9, None), Fused("c", 1 / 62, None, 4.0)] == fused


def test_by_score_each_list_is_brought_to_its_weight() -> None:
    """Its best hit has all of it, its last one none, like one that it has not."""
    vector, keyword = [Hit("a", 0.9), Hit("b", 0.8), Hit("c", 0.7)], [Hit("b", 8.0), Hit("d", 6.0), Hit("a", 4.0)]
    fused = fuse(vector, keyword, Plan(keyword_weight=0.6))

    assert ["b", "a", "d", "c"] == order(fused)
    assert [pytest.approx(worth) for worth in (0.2 + 0.6, 0.4, 0.3, 0.0)] == [found.fused for found in fused]


@pytest.mark.parametrize(("vector", "keyword"), [([Hit("a", 0.9), Hit("b", 0.5)], []), ([], [Hit("a", 9.0), Hit("b", 5.0)])])
def test_an_empty_list_leaves_its_weight_to_the_other(vector: list[Hit], keyword: list[Hit]) -> None:
    """So that a part that is down changes which chunks are found, and not what a score of 1 means."""
    assert [1.0, 0.0] == [found.fused for found in fuse(vector, keyword, WEIGHTED)]


def test_hits_that_are_alike_all_count_in_full() -> None:
    """A single hit too: it was found, and nothing says that it is bad."""
    assert [("a", 0.5), ("b", 0.5)] == [found[:2] for found in fuse([Hit("b", 0.4)], [Hit("a", 3.0)], WEIGHTED)]
    assert [("a", 1.0), ("z", 1.0)] == [found[:2] for found in fuse([Hit("z", 0.4), Hit("a", 0.4)], [], WEIGHTED)]
    assert [] == fuse([], [], WEIGHTED)


@given(vector=HITS, keyword=HITS, plan=PLANS)
def test_every_hit_is_there_once_and_best_first(vector: list[Hit], keyword: list[Hit], plan: Plan) -> None:
    """With its scores, and a worth between 0 and 1; equal ones in the order of their ids."""
    fused = fuse(vector, keyword, plan)

    assert {hit.chunk_id for hit in (*vector, *keyword)} == set(order(fused))
    assert sorted(fused, key=lambda found: (-found.fused, found.chunk_id)) == fused
    assert dict(vector) == {found.chunk_id: found.vector for found in fused if found.vector is not None}
    assert dict(keyword) == {found.chunk_id: found.keyword for found in fused if found.keyword is not None}
    assert all(0 <= found.fused <= 1 + 1e-9 for found in fused)
    assert fused[:3] == fuse(vector, keyword, plan, 3)


@given(vector=HITS, keyword=HITS, seed=st.integers(0, 9))
def test_by_score_the_order_of_the_lists_does_not_matter(vector: list[Hit], keyword: list[Hit], seed: int) -> None:
    """Backends may break ties as they like."""
    shuffle = random.Random(seed).sample

    assert fuse(vector, keyword, WEIGHTED) == fuse(shuffle(vector, len(vector)), shuffle(keyword, len(keyword)), WEIGHTED)


@given(hits=HITS, plan=PLANS)
def test_two_lists_that_agree_keep_their_order(hits: list[Hit], plan: Plan) -> None:
    """Fusing a list with itself changes nothing, but for ties."""
    assert [hit.chunk_id for hit in hits] == order(fuse(hits, hits, plan))


@given(vector=HITS, keyword=HITS, factor=st.sampled_from([0.5, 2.0, 8.0]))
def test_by_score_the_scale_of_a_list_does_not_matter(vector: list[Hit], keyword: list[Hit], factor: float) -> None:
    """BM25 grows with the length of a question; its weight must not."""
    scaled = [Hit(hit.chunk_id, hit.score * factor) for hit in keyword]

    assert order(fuse(vector, keyword, WEIGHTED)) == order(fuse(vector, scaled, WEIGHTED))
