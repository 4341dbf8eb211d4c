"""Reciprocal rank fusion, and the spread over documents."""

from __future__ import annotations

from connectors.vector_index.base import Hit
from schemas.events import Scores
from streams.search.fusion import Fused, fuse, spread


def test_what_both_found_comes_first() -> None:
    """1 / (60 + rank) from each list, and both scores are kept."""
    fused = fuse([Hit("a", 0.9), Hit("b", 0.8)], [Hit("b", 5.0), Hit("c", 4.0)])

    assert [found.chunk_id for found in fused] == ["b", "a", "c"]
    assert fused[0].scores == Scores(vector=0.8, keyword=5.0, fused=1 / 62 + 1 / 61)
    assert fused[2].scores == Scores(vector=None, keyword=4.0, fused=1 / 62)


def test_equal_ranks_keep_the_order_of_their_ids() -> None:
    """The same hits give the same ranking every time."""
    assert [found.chunk_id for found in fuse([Hit("z", 0.9)], [Hit("a", 5.0)])] == ["a", "z"]
    assert fuse([], []) == []


def test_one_document_takes_half_of_the_places_while_others_are_left() -> None:
    """The rest is filled up from it."""
    fused = [Fused(chunk_id, Scores(fused=1.0)) for chunk_id in ("a1", "a2", "a3", "b1", "a4")]

    assert [hit.chunk_id for hit in spread(fused, 4, lambda hit: hit.chunk_id[0])] == ["a1", "a2", "b1", "a3"]
    assert [hit.chunk_id for hit in spread(fused, 3, lambda hit: hit.chunk_id[0])] == ["a1", "a2", "b1"]
