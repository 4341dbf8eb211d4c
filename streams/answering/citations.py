"""Citations: the numbers in an answer's text, and the chunks that they stand for. Pure."""

from __future__ import annotations

import re

from schemas.events import ChunksRetrieved, Citation

_CITATION = re.compile(r"\[(\d{1,3})\]")


def cited(text: str, found: ChunksRetrieved) -> tuple[Citation, ...]:
    """The chunks that the text's `[n]` stand for, in order of first mention; a number that was not retrieved stands for nothing."""
    chunks = {chunk.rank: chunk for chunk in found.chunks}
    numbers = dict.fromkeys(int(number) for number in _CITATION.findall(text))
    return tuple(
        Citation(
            number=number,
            chunk_id=chunks[number].chunk_id,
            document_id=chunks[number].document_id,
            title=chunks[number].title,
            source=chunks[number].source,
            heading_path=chunks[number].heading_path,
        )
        for number in numbers
        if number in chunks
    )
