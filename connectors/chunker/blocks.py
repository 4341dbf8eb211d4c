"""Blocks: a Markdown text's paragraphs, lists, tables, code fences and headings, with their places. Found by markdown-it-py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt

_LINE_END = re.compile(r"\r\n?|\n")  # as markdown-it counts lines
_MARKS = re.compile(r"[*_`]+")
_PROSE = frozenset({"paragraph_open", "blockquote_open"})


class Block(NamedTuple):
    """A stretch of the text: from where a block begins to where the next one does."""

    start: int
    end: int
    level: int  #: of a heading, 1 to 6; else 0
    heading: str  #: its text, without Markdown's marks
    prose: bool  #: sentences, whose line ends mean nothing


def blocks_of(text: str) -> list[Block]:
    """The text's top-level blocks. They tile it, so that no character is lost between them (link definitions make no token)."""
    lines = [0, *(end.end() for end in _LINE_END.finditer(text)), len(text)]
    begun = list(_beginnings(text)) or [(0, 0, "", True)]
    places = [0, *(lines[line] for line, *_ in begun[1:]), len(text)]
    stretches = zip(pairwise(places), begun, strict=True)
    return [Block(start, end, level, heading, prose) for (start, end), (_, level, heading, prose) in stretches]


def _beginnings(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """First line, heading level, heading, prose; of each top-level block. A heading's text is the token behind the one that opens it."""
    tokens = iter(_markdown().parse(text))
    for token in tokens:
        if token.level == 0 and token.nesting >= 0 and token.map:
            heading = token.type == "heading_open"
            yield token.map[0], int(token.tag[1]) if heading else 0, _plain(next(tokens).content) if heading else "", token.type in _PROSE


@cache
def _markdown() -> MarkdownIt:
    """Blocks only: without the pass over inline marks it is several times faster."""
    markdown = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
    markdown.parse("")  # puts its rules in order, which two threads must not do at once
    return markdown


def _plain(heading: str) -> str:
    return " ".join(_MARKS.sub("", heading).split())
