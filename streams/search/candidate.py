"""Candidate: a chunk on its way through the stages of a search."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from schemas.events import RetrievedChunk, Scores
from streams.chunk_change import IndexedChunk


class Fused(NamedTuple):
    """A chunk's id, and why it was taken."""

    chunk_id: str
    fused: float
    vector: float | None = None
    keyword: float | None = None
    votes: float | None = None  #: what `fused` was multiplied with


#: Of all its fields, by what `Fused` itself is made by: in a third of the time, and a search makes hundreds.
fused_of: Callable[[tuple[str, float, float | None, float | None, float | None]], Fused] = partial(tuple.__new__, Fused)


class Candidate(NamedTuple):
    """A chunk, and what the stages found out about it. `chunk` may have grown by its neighbours' text, or been cut short."""

    found: Fused
    chunk: IndexedChunk
    rerank: float | None = None
    also_in: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()

    @property
    def worth(self) -> float:
        """What it is ranked by."""
        return self.found.fused if self.rerank is None else self.rerank


def retrieved(candidate: Candidate, rank: int) -> RetrievedChunk:
    """As the event has it."""
    chunk, found = candidate.chunk, candidate.found
    return RetrievedChunk(
        rank=rank,
        chunk_id=found.chunk_id,
        document_id=chunk.document_id,
        title=chunk.title,
        source=chunk.source,
        heading_path=chunk.heading_path,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        tokens=chunk.tokens,
        scores=Scores(vector=found.vector, keyword=found.keyword, fused=found.fused, votes=found.votes, rerank=candidate.rerank),
        neighbours=candidate.neighbours,
        also_in=candidate.also_in,
    )
