"""Candidates for the tests of single stages."""

from __future__ import annotations

from streams.chunk_change import IndexedChunk
from streams.search.candidate import Candidate, Fused


def a_chunk_of(document_id: str = "d", ordinal: int = 0, text: str = "A text.", start: int = 0, tokens: int = 10) -> IndexedChunk:
    place = (start, start + len(text))
    return IndexedChunk(document_id, ordinal, "Title", f"{document_id}.md", (), *place, text, tokens, (), "2026-01-01", f"hash of {text}", "words")


def a_candidate(chunk_id: str = "d#0", worth: float = 1.0, chunk: IndexedChunk | None = None) -> Candidate:
    document_id, _, ordinal = chunk_id.partition("#")
    return Candidate(Fused(chunk_id, worth), chunk or a_chunk_of(document_id, int(ordinal or 0)))


def ids(candidates: list[Candidate]) -> list[str]:
    return [candidate.found.chunk_id for candidate in candidates]
