"""Logs: their text as it is, with indentation and without a title, but for the colours that were meant for a terminal."""

from __future__ import annotations

import re

from connectors.parser.base import ParsedDocument
from connectors.parser.text import decode

_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,32}[A-Za-z]")


def read(content: bytes, source: str) -> ParsedDocument:
    """Strictly UTF-8, as text is. Raises UnreadableDocument."""
    return ParsedDocument(None, decode(_COLOUR.sub(b"", content), source))
