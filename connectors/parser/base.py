"""Parser: a document's bytes to Markdown text. One file per format; `parse` picks by content type.

Guarantees (tests/contract/test_parser.py): headings, lists, tables and code survive as Markdown where the format has them; a document without
any readable text, or that is not of the type it claims, raises UnreadableDocument with a sentence that says what is wrong.
"""

from __future__ import annotations

from typing import NamedTuple


class ParsedDocument(NamedTuple):
    """A document's title, if it names one, and its text as Markdown."""

    title: str | None
    text: str
