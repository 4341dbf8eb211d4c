"""Where an answer's text cites what: the marks `[1]` in it, and the numbers of `[1, 2]`, in their order. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from schemas.events import Citation

_LIST = re.compile(r"\[[0-9][0-9,; ]{0,60}\]")
_NUMBER = re.compile(r"[0-9]+")


class Mark(NamedTuple):
    """One mark in the text: `text[start:end]`."""

    start: int
    end: int
    citation: Citation


def marks_in(text: str, citations: Sequence[Citation]) -> Iterator[Mark]:
    """A mark whose number stands for nothing is none."""
    known = {citation.number: citation for citation in citations}
    for found in _LIST.finditer(text):
        numbers = list(_NUMBER.finditer(text, *found.span()))
        for number in numbers:
            if (citation := known.get(int(number[0]))) is not None:
                start, end = found.span() if len(numbers) == 1 else number.span()
                yield Mark(start, end, citation)


def url_citation(mark: Mark) -> dict[str, Any]:
    """As chat completions annotate a text."""
    cited = mark.citation
    return {
        "type": "url_citation",
        "url_citation": {"start_index": mark.start, "end_index": mark.end, "title": cited.title, "url": cited.source},
    }


def file_citation(mark: Mark) -> dict[str, Any]:
    """As Responses annotate a text; `chunk_id` and `title` are ours, and ignored by who does not know them."""
    cited = mark.citation
    return {
        "type": "file_citation",
        "index": mark.start,
        "file_id": cited.document_id,
        "filename": cited.source,
        "title": cited.title,
        "chunk_id": cited.chunk_id,
    }
