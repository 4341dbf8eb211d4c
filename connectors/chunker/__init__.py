"""Chunker: a document's text to chunks. `open_chunker` makes the one that the settings name."""

from __future__ import annotations

from connectors.chunker.base import Chunker
from schemas.settings import Settings


def open_chunker(settings: Settings) -> Chunker:
    """The chunker with the limits of the settings."""
    from connectors.chunker.structure import StructureChunker

    return StructureChunker(limit=settings.chunk_tokens, overlap=settings.chunk_overlap, minimum=settings.chunk_min_tokens)
