"""Sentences: what of a chunk's Markdown can be quoted as it is. Whole sentences from paragraphs and list items, without Markdown's marks.

Headings, tables, code, and fragments without an end are left out. Pure; used by the extractive model, and where its like is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_CODE = "\ue000"  # stands before a code span until the sentences are cut: `acks=all` may begin one
_CITATION_LIKE = re.compile(r"\[(\d+)\]")  # a document's own "[2]" must not be taken for a citation of the answer
_BOUNDARY = re.compile(rf"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\sa-z])|(?<=[。！？])|(?<=[.!?…])\s+(?={_CODE})")
_ABBREVIATION = re.compile(r"(?:e\.g|i\.e|etc|vs|cf|approx|fig|no|dr|mr|mrs|ms|st|al|resp|incl|max|min|p|pp|sec|vol)\.", re.IGNORECASE)
_OPENING, _CLOSING = "\"'“‘([", "\"'”’)]"
_ENDS = tuple(".!?…。！？")
_BEGINS = re.compile(rf"[\"'“‘(\[]*(?:{_CODE}|[^\sa-z\W]|[\"“])")
_SIGN = re.compile(r"[^\w\s]|[\d_]")
_FEWEST_WORDS, _FEWEST_SIGNS = 4, 12  # the latter for scripts without spaces
_MOST_SIGNS = 400
_LEAST_LETTERS = 0.6
_MARKDOWN = MarkdownIt("commonmark").enable("table")


def sentences_of(text: str) -> list[str]:
    """The chunk's sentences in order."""
    return [_plain(part) for part in _all_parts(text) if _is_sentence(part)]


def parts_of(text: str) -> list[str]:
    """All that stands between two ends of sentences, fragments too: as it was written, but for Markdown's marks."""
    return [part.replace(_CODE, "") for part in _all_parts(text) if part]


def _all_parts(text: str) -> Iterator[str]:
    for paragraph in _paragraphs(_MARKDOWN.parse(text)):
        yield from _parts(paragraph)


def _paragraphs(tokens: Sequence[Token]) -> Iterator[str]:
    """The text of paragraphs, those in lists and quotations too; a heading's or a table cell's stands in another kind of token."""
    for opened, inner in pairwise(tokens):
        if opened.type == "paragraph_open" and inner.type == "inline" and inner.content.count("|") < 3:  # rows of a table cut in two
            yield "".join(_inline(inner.children or ()))


def _inline(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "code_inline":
            yield _CODE + token.content
        elif token.type == "text":
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield " "


def _parts(paragraph: str) -> Iterator[str]:
    """Cut behind each sentence, but not behind an abbreviation."""
    start = 0
    for boundary in _BOUNDARY.finditer(paragraph):
        end = boundary.start() + len(boundary[0].rstrip())
        part = paragraph[start:end].strip()
        if not _ABBREVIATION.fullmatch(part.rsplit(maxsplit=1)[-1].lstrip(_OPENING)):
            yield part
            start = boundary.end()
    yield paragraph[start:].strip()


def _is_sentence(part: str) -> bool:
    letters = len(part) - len(_SIGN.findall(part))
    long_enough = len(part.split()) >= _FEWEST_WORDS or (not part.isascii() and len(part) >= _FEWEST_SIGNS)
    whole = part.rstrip(_CLOSING).endswith(_ENDS) and _BEGINS.match(part) is not None
    return whole and long_enough and len(part) <= _MOST_SIGNS and letters >= _LEAST_LETTERS * len(part)


def _plain(part: str) -> str:
    return " ".join(_CITATION_LIKE.sub(r"(\1)", part.replace(_CODE, "")).split())
