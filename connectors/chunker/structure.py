"""Chunks along a document's structure: a section where it fits, else its blocks packed; only a block that is too long is cut itself.

A long block is cut between sentences, or between lines where lines count (list, table, code), and between words as the last resort. So
a table or a code fence that fits is whole; of a table that does not, the later parts lack its header, for a piece is the text as it stands.
Neighbours share up to `overlap` tokens where a section was cut; a section's start repeats nothing, unless the section is too short.
Why not semantic-text-splitter: it asks for the length of the same text again and again: 580 chunks/s on one long paragraph
where this makes 1,900 (2 shared cores), and it has no minimum.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from connectors.chunker.base import Piece
from connectors.chunker.blocks import Block
from connectors.chunker.spans import LINE, SENTENCE, Part, Span, as_piece, common, join_short, packed, parts_of, trimmed, units_of
from connectors.chunker.thread import in_turn
from connectors.chunker.words import Words, as_words

_NEAR = 3  # characters before a place where the sentence or line before it may end
_EITHER = re.compile(rf"{SENTENCE.pattern}|\n\s*(?=\S)")


class StructureChunker:
    """The backend for Markdown, and for any text that has paragraphs. Limits are in tokens."""

    def __init__(self, *, limit: int, overlap: int, minimum: int) -> None:
        self._limit = as_words(limit)
        self._overlap = min(as_words(overlap), self._limit // 2)
        self._minimum = min(as_words(minimum + 1), self._limit // 2)

    async def cut(self, text: str) -> list[Piece]:
        """The text's pieces in order."""
        return await in_turn(self._cut, text)

    def _cut(self, text: str) -> list[Piece]:
        words = Words(text)

        def parts(block: Block) -> Iterable[Part]:
            return parts_of(words, block.start, block.end, (SENTENCE, LINE) if block.prose else (LINE, SENTENCE), self._limit)

        spans = join_short(packed(units_of(text, parts), self._limit, self._overlap), self._minimum, self._limit)
        return [as_piece(text, span) for span in self._overlapped(words, spans)]

    def _overlapped(self, words: Words, spans: list[Span]) -> Iterator[Span]:
        """Each span drawn over its neighbour: by the overlap within a section, and in any case up to the minimum."""
        for place, span in enumerate(spans):
            wanted = 0 if span.fresh else min(self._overlap, self._limit - span.words)
            needed = self._minimum - span.words
            if place and max(wanted, needed) > 0:
                yield self._drawn_back(words, spans[place - 1], span, max(wanted, needed), least=needed > 0)
            elif needed > 0 and len(spans) > 1:
                yield _drawn_on(words, span, spans[1], needed)
            else:
                yield span

    def _drawn_back(self, words: Words, before: Span, span: Span, wanted: int, *, least: bool) -> Span:
        """The span with about `wanted` words before it, from where a sentence or a line begins. `least`: with so many, or more if they fit."""
        start = words.starts(before.start, span.start)[-wanted:][0]
        begun = _begun_before(words.text, before, start) if least else _begun_behind(words.text, before, start)
        if words.count(begun, span.end) > self._limit:
            begun = start
        return Span(begun, span.end, words.count(begun, span.end), common(before.path, span.path), span.fresh)


def _begun_before(text: str, before: Span, start: int) -> int:
    """Where the sentence or line begins that this place is in."""
    return max((match.end() for match in _EITHER.finditer(text, before.start, start + 1) if match.end() <= start), default=before.start)


def _begun_behind(text: str, before: Span, start: int) -> int:
    """The next place where a sentence or a line begins. Not looked for behind the span: in its white space every line would be searched on from."""
    return next((match.end() for match in _EITHER.finditer(text, max(0, start - _NEAR), before.end) if match.end() >= start), start)


def _drawn_on(words: Words, span: Span, behind: Span, needed: int) -> Span:
    """The first span with the first `needed` words of the one behind it."""
    starts = [*words.starts(behind.start, behind.end), behind.end]
    end = trimmed(words.text, span.start, starts[min(needed, len(starts) - 1)])[1]
    return Span(span.start, end, words.count(span.start, end), common(span.path, behind.path), span.fresh)
