"""Grounding: how far an answer's sentences are held by the chunks that they cite. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.events import RetrievedChunk


def grounding_of(text: str, chunks: Sequence[RetrievedChunk]) -> float | None:
    """0..1; None for a text that cites nothing."""
    return None
