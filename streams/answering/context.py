"""Context: what an answer was made from, in a few bytes, so that two answers can be compared years later. Pure."""

from __future__ import annotations

from connectors.language_model.base import Prompt
from schemas.events import ChunksRetrieved, Context, ContextChunk
from streams.text_hash import text_hash


def context_of(found: ChunksRetrieved, prompt: Prompt) -> Context | None:
    """Of the chunks as the model was given them; None if nothing was looked up."""
    if not found.index.offsets and not prompt.chunks:
        return None
    chunks = tuple(
        ContextChunk(chunk_id=chunk.chunk_id, rank=chunk.rank, score=chunk.scores.fused, hash=text_hash(chunk.text)) for chunk in prompt.chunks
    )
    return Context(hash=text_hash(*(f"{chunk.chunk_id}@{chunk.rank}:{chunk.hash}" for chunk in chunks)), chunks=chunks, index=found.index)
