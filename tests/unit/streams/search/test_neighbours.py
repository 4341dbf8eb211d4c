"""Neighbours: what stands around a chunk, joined to it without a word twice."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.chunk_change import IndexedChunk
from streams.search.candidate import Candidate
from streams.search.neighbours import expanded
from tests.unit.streams.search.candidates import a_candidate, a_chunk_of, ids

PAGE = "".join(f"Sentence {number} of the page. " for number in range(40)).strip()
CUT, OVERLAP = 100, 30
CHUNKS = [a_chunk_of("d", ordinal, PAGE[start : start + CUT], start) for ordinal, start in enumerate(range(0, len(PAGE) - OVERLAP, CUT - OVERLAP))]


def chunk_at(document_id: str, ordinal: int) -> tuple[str, IndexedChunk] | None:
    return (f"d#{ordinal}", CHUNKS[ordinal]) if document_id == "d" and 0 <= ordinal < len(CHUNKS) else None


def found(*ordinals: int) -> list[Candidate]:
    return [a_candidate(f"d#{ordinal}", 1 / place, CHUNKS[ordinal]) for place, ordinal in enumerate(ordinals, start=1)]


def test_the_text_around_is_joined_without_the_overlap() -> None:
    """The result is the stretch of the document from the first to the last of them, and names them."""
    (one,) = expanded(found(3), 1, chunk_at)

    assert PAGE[CHUNKS[2].start : CHUNKS[4].end] == one.chunk.text == PAGE[one.chunk.start : one.chunk.end]
    assert ("d#2", "d#4") == one.neighbours
    assert one.chunk.tokens > CHUNKS[3].tokens


def test_at_the_ends_there_are_fewer() -> None:
    """Nothing is before the first chunk, or behind the last."""
    first, last = expanded(found(0, len(CHUNKS) - 1), 2, chunk_at)

    assert (("d#1", "d#2"), (f"d#{len(CHUNKS) - 3}", f"d#{len(CHUNKS) - 2}")) == (first.neighbours, last.neighbours)


def test_stretches_that_touch_become_one_at_the_better_place() -> None:
    """Two results of a document never hold the same text."""
    assert ("d#3", "d#5", "d#6", "d#7") == expanded(found(4, 6), 1, chunk_at)[0].neighbours
    assert ["d#4", "d#11"] == ids(expanded(found(4, 11, 6), 1, chunk_at))


def test_0_is_off() -> None:
    """Neighbours that were both found stay two results."""
    assert found(3, 4) == expanded(found(3, 4), 0, chunk_at)


def test_what_does_not_follow_is_not_joined() -> None:
    """While a document's new version comes in, its chunks may be of two versions."""
    moved = a_chunk_of("d", 1, "Another version.", 5_000)

    (one,) = expanded(found(0), 1, lambda _, ordinal: {0: ("d#0", CHUNKS[0]), 1: ("d#1", moved)}.get(ordinal))

    assert (CHUNKS[0].text, ()) == (one.chunk.text, one.neighbours)


def test_white_space_between_chunks_keeps_its_length() -> None:
    """So that each character is where the document has it."""
    around = {0: ("d#0", a_chunk_of("d", 0, "One.", 0)), 1: ("d#1", a_chunk_of("d", 1, "Two.", 6))}
    (one,) = expanded([a_candidate("d#0", 1.0, around[0][1])], 1, lambda _, ordinal: around.get(ordinal))

    assert ("One.\n\nTwo.", 0, 10) == (one.chunk.text, one.chunk.start, one.chunk.end)


@given(ordinals=st.lists(st.integers(0, len(CHUNKS) - 1), unique=True, max_size=6), n=st.integers(0, 4))
def test_results_of_a_document_do_not_overlap_and_none_is_lost(ordinals: list[int], n: int) -> None:
    """Each chunk that was found is in exactly one result, whose text is the document's there."""
    results = expanded(found(*ordinals), n, chunk_at)
    places = sorted((one.chunk.start, one.chunk.end) for one in results)

    assert all(PAGE[one.chunk.start : one.chunk.end] == one.chunk.text for one in results)
    assert n == 0 or all(before[1] <= behind[0] for before, behind in pairwise(places))
    assert all(sum(one.chunk.start <= CHUNKS[o].start and CHUNKS[o].end <= one.chunk.end for one in results) == 1 for o in ordinals)
