"""A document as one chunk, whatever its length: for judged collections of short texts. The embedder reads a long one in windows.

A record of `chunks` holds 1 MiB: the document with a longer text fails.
"""

from __future__ import annotations

from connectors.chunker.base import Piece
from connectors.chunker.spans import Span, as_piece, trimmed
from connectors.chunker.thread import in_turn
from connectors.chunker.words import Words


class WholeChunker:
    """The backend that does not cut."""

    async def cut(self, text: str) -> list[Piece]:
        """One piece; none for a text without words."""
        return await in_turn(_cut, text)


def _cut(text: str) -> list[Piece]:
    start, end = trimmed(text, 0, len(text))
    words = Words(text).count(start, end)
    return [as_piece(text, Span(start, end, words))] if words else []
