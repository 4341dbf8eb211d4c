"""Chunker: a document's text to chunks. `open_chunker` makes those that ROXY_CHUNKER names, and chooses by content type."""

from __future__ import annotations

from connectors.chunker.base import Chunker
from connectors.chunker.by_content_type import AUTO, AUTO_CHOICES, ChunkerByContentType, choice_of
from connectors.embedder.base import Embedder
from schemas.errors import InvalidSetting
from schemas.settings import Settings

CHUNKERS = (AUTO, "structure", "fixed", "whole", "semantic", "log")


def open_chunker(settings: Settings, embedder: Embedder | None) -> ChunkerByContentType:
    """The chunkers with the limits of the settings. Raises InvalidSetting."""
    choice = choice_of(settings.chunker, CHUNKERS)
    names = {*choice.values(), *AUTO_CHOICES} - {AUTO}
    return ChunkerByContentType(choice, {name: _open(name, settings, embedder) for name in names})


def _open(name: str, settings: Settings, embedder: Embedder | None) -> Chunker:
    limit, overlap, minimum = settings.chunk_tokens, settings.chunk_overlap, settings.chunk_min_tokens
    if name == "fixed":
        from connectors.chunker.fixed import FixedChunker

        return FixedChunker(limit=limit, overlap=overlap, minimum=minimum)
    if name == "whole":
        from connectors.chunker.whole import WholeChunker

        return WholeChunker()
    if name == "log":
        from connectors.chunker.log import LogChunker

        return LogChunker(limit=limit, minimum=minimum)
    if name == "semantic":
        if embedder is None:
            raise InvalidSetting("ROXY_CHUNKER asks for semantic, but there is no embedder.", remedy="Set ROXY_EMBEDDER, or take another chunker.")
        from connectors.chunker.semantic import SemanticChunker

        return SemanticChunker(embedder, limit=limit, minimum=minimum)
    from connectors.chunker.structure import StructureChunker

    return StructureChunker(limit=limit, overlap=overlap, minimum=minimum)
