"""What `roxy ingest` makes of the outcomes that it waits for, and in what portions it writes."""

from __future__ import annotations

import pytest

from infra import ingest as ingest_module
from infra.documents import submitted
from infra.ingest import Ingested, Outcomes, _batches
from schemas.codec import Context
from schemas.events import DocumentFailed, DocumentIndexed, Event, IngestionProgressed
from schemas.record import Position, Record
from tests.builders import CONTEXT, a_record

DOCUMENT = {"tenant": "default", "document_id": "book"}
INDEXED = DocumentIndexed(id="i", title="Book", chunks=300, kept=10, reused=20, embedded=270, removed=1, took_ms=1, **DOCUMENT)
FAILED = DocumentFailed(id="f", error="unreadable-document", detail="No.", remedy="Mend it.", **DOCUMENT)


def about(event: Event, offset: int = 0) -> Record:
    """The record of an outcome of the version that lies there."""
    context: Context = CONTEXT._replace(causation=Position("documents", 0, offset))
    return a_record(event, "ingestions", context=context)


def progressed(done: int) -> IngestionProgressed:
    return IngestionProgressed(id=f"p{done}", stage="embedding", chunks=300, done=done, **DOCUMENT)


@pytest.mark.parametrize("end", [INDEXED, FAILED])
def test_a_large_document_moves_the_bar_chunk_by_chunk(end: Event) -> None:
    """Altogether by one, also if its worker was replaced and begins lower; what is under way is said."""
    moves: list[tuple[float, str]] = []
    outcomes = Outcomes(lambda count, what: moves.append((count, what)))
    outcomes.expect(["documents[0]@0", "documents[0]@1"])
    outcomes.take([about(progressed(60)), about(progressed(150)), about(progressed(30)), about(end)])

    assert [0.2, 0.3, -0.4, 0.9] == [round(count, 6) for count, _ in moves]
    assert ["book: 60 of 300 chunks", "book: 150 of 300 chunks", "book: 30 of 300 chunks", ""] == [what for _, what in moves]
    assert (["documents[0]@1"], 1) == (list(outcomes.waiting), len(outcomes.indexed) + len(outcomes.failed))


def test_outcomes_of_others_documents_are_passed_over() -> None:
    """Somebody else ingests at the same time; and what was heard once is not heard again."""
    outcomes = Outcomes(lambda _count, _what: None)
    outcomes.expect(["documents[0]@0"])
    outcomes.take([about(INDEXED, 5), about(INDEXED), about(INDEXED)])

    assert (1, {}) == (len(outcomes.indexed), outcomes.waiting)


def test_figures_are_added_up() -> None:
    """Over all documents."""
    total = Ingested([INDEXED, INDEXED], [], 0, []).total()

    assert {"chunks": 600, "kept": 20, "reused": 40, "embedded": 540, "removed": 2} == dict(total)


def test_documents_are_written_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many, or so large; one that is larger by itself goes alone."""
    monkeypatch.setattr(ingest_module, "_BATCH", 3)
    monkeypatch.setattr(ingest_module, "_BATCH_BYTES", 10)
    documents = [
        submitted(f"d{place}", b"x" * size, "text/plain", source="d", tenant="acme") for place, size in enumerate([1, 1, 1, 1, 8, 2, 50, 10])
    ]

    assert [[1, 1, 1], [1, 8], [2], [50], [10]] == [[len(document.content) for document in batch] for batch in _batches(documents)]
