"""Chunker: a document's text to chunks.

Guarantees (tests/contract/test_chunker.py): `text[start:end]` is the piece's text; every visible character is in some piece; pieces are in
the text's order; no piece is longer than the limit (`whole` has none); a piece is shorter than the minimum only where the document is, or
where neither neighbour has room for it (`log` and `semantic`, which repeat nothing); the same text gives the same pieces; the time taken
grows with the text and not with its square, whatever it holds.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Piece(NamedTuple):
    """A passage of a document."""

    text: str
    start: int  #: first character in the document's text
    end: int  #: one past the last character
    heading_path: tuple[str, ...]  #: what it stands under, outermost first: headings, or a log's time range; empty where none was looked for
    tokens: int


class Chunker(Protocol):
    """One way to cut a text."""

    async def cut(self, text: str) -> list[Piece]:
        """The text's pieces, in order. Work that blocks is done in a thread. Raises ModelUnavailable where a model is asked."""
        ...
