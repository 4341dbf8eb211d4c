"""The benches' made-up chunks, documents and questions."""

from __future__ import annotations

import numpy as np

from connectors.embedder.vectors import vector_from_text
from infra.bench.corpus import BATCH, chunk_events, documents, text_of, vectors
from infra.bench.lookups import lookups
from schemas.events import ChunkIndexed

DIMS = 64


def made(count: int, first: int = 0) -> list[ChunkIndexed]:
    return [event for events in chunk_events(count, embedder="made-up", dims=DIMS, first=first) for event in events]


def test_the_same_number_gives_the_same_chunk() -> None:
    """However many are made, and from where on: a topic that grows keeps what it holds."""
    assert made(2 * BATCH)[BATCH:] == made(BATCH, first=BATCH)


def test_chunks_have_the_vectors_that_a_bench_compares_with() -> None:
    """Up to the rounding of float16."""
    held = np.stack([vector_from_text(event.vector or "") for event in made(20)])

    np.testing.assert_allclose(vectors(0, 20, DIMS), held, atol=1e-3)


def test_chunks_of_a_document_are_nearer_to_each_other_than_to_others() -> None:
    """As real ones are: the time and the recall of a graph depend on it."""
    rows = vectors(0, 200, DIMS)
    alike = rows @ rows.T
    same = np.arange(200)[:, None] // 10 == np.arange(200) // 10

    assert alike[same & ~np.eye(200, dtype=bool)].mean() > alike[~same].mean() + 0.3


def test_a_question_is_meant_for_a_chunk() -> None:
    """Its vector is nearest to it, and most of its words are of its text, whose words may be misspelt."""
    rows = vectors(0, 100, DIMS)
    for one in lookups(20, rows):
        nearest = int(np.argmax(rows @ one.vector))
        words = one.text.split()

        assert sum(word in text_of(nearest) for word in words) * 2 > len(words) or len(words) < 6


def test_questions_are_the_same_every_time() -> None:
    """Two runs compare."""
    rows = vectors(0, 100, DIMS)

    assert [one.text for one in lookups(20, rows)] == [one.text for one in lookups(20, rows)]


def test_each_section_of_a_document_is_a_chunk_s_text() -> None:
    """So that a bench knows how many chunks will come of it."""
    (document,) = documents(1, 3)

    assert ["Section 0", "Section 1", "Section 2"] == [line[3:] for line in document.content.splitlines() if line.startswith("## ")]
    assert all(text_of(number) in document.content for number in range(3))
