"""Chunker: a document's text to chunks.

Guarantees (tests/contract/test_chunker.py): `text[start:end]` is the piece's text; every visible character is in some piece; no piece is
longer than the limit; a piece shorter than the minimum exists only where the document (or its section run) is; the same text gives the same pieces.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Piece(NamedTuple):
    """A passage of a document."""

    text: str
    start: int  #: first character in the document's text
    end: int  #: one past the last character
    heading_path: tuple[str, ...]  #: headings above it, outermost first
    tokens: int


class Chunker(Protocol):
    """Cuts Markdown text."""

    def cut(self, text: str) -> list[Piece]:
        """The text's pieces, in order."""
        ...
