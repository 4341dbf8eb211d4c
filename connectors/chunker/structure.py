"""Chunks along a document's structure: a section where it fits, else its blocks packed; only a block that is too long is cut itself.

A long block is cut between sentences, or between lines where lines count (list, table, code), and between words as the last resort.
Neighbours share up to `overlap` tokens where a section was cut; a section's start repeats nothing, unless the section is too short.
Why not semantic-text-splitter: it asks for the length of the same text again and again: 580 chunks/s on one long paragraph
where this makes 1,900 (2 shared cores), and it has no minimum.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from connectors.chunker.base import Piece
from connectors.chunker.blocks import Block, blocks_of
from connectors.chunker.words import as_tokens, as_words, count_words, word_starts

_SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=\S)|(?<=[。！？])")
_LINE = re.compile(r"\n")
_WIDE = 10  # characters that a word with its space rarely reaches: how far back to look for words before looking at all of them
_EITHER = re.compile(rf"{_SENTENCE.pattern}|\n\s*(?=\S)")


class Span(NamedTuple):
    """A stretch on its way to become a piece. `fresh`: it begins a section, so that nothing before it belongs to it."""

    start: int
    end: int
    words: int
    path: tuple[str, ...]
    fresh: bool


class StructureChunker:
    """The backend of the chunker port. Limits are in tokens."""

    def __init__(self, *, limit: int, overlap: int, minimum: int) -> None:
        self._limit = as_words(limit)
        self._overlap = min(as_words(overlap), self._limit // 2)
        self._minimum = min(as_words(minimum + 1), self._limit // 2)

    def cut(self, text: str) -> list[Piece]:
        """The text's pieces in order."""
        spans = self._join_short(list(self._pack(self._units(text))))
        return [_piece(text, span) for span in self._overlapped(text, spans)]

    def _units(self, text: str) -> Iterator[Span]:
        """Blocks with their heading path; those above the limit in parts."""
        path: list[tuple[int, str]] = []
        for block in blocks_of(text):
            if block.level:
                path = [*((level, name) for level, name in path if level < block.level), (block.level, block.heading)]
            names = tuple(name for _, name in path if name)
            fresh = bool(block.level)
            for start, end, words in self._parts(text, block.start, block.end, _breaks(block)):
                yield Span(start, end, words, names, fresh)
                fresh = False

    def _parts(self, text: str, start: int, end: int, breaks: Sequence[re.Pattern[str]]) -> Iterator[tuple[int, int, int]]:
        """The stretch, if it fits; else its parts between the first kind of break, and so on."""
        start, end = _trimmed(text, start, end)
        words = count_words(text[start:end])
        if 0 < words <= self._limit:
            yield start, end, words
        elif words and breaks:
            places = [start, *(match.end() for match in breaks[0].finditer(text, start, end)), end]
            for first, last in pairwise(places):
                yield from self._parts(text, first, last, breaks[1:])
        elif words:
            places = [*word_starts(text, start, end)[:: self._limit], end]
            for first, last in pairwise(places):
                yield from self._parts(text, first, last, ())

    def _pack(self, units: Iterator[Span]) -> Iterator[Span]:
        """Units of one section joined up to the limit; later pieces of a section leave room for what they repeat."""
        packed: Span | None = None
        for unit in units:
            room = self._limit if packed is None or packed.fresh else self._limit - self._overlap
            if packed is None or unit.fresh or packed.words + unit.words > room:
                if packed:
                    yield packed
                packed = unit
            else:
                packed = _joined(packed, unit)
        if packed:
            yield packed

    def _join_short(self, spans: list[Span]) -> list[Span]:
        """A span below the minimum takes in what follows; one that is still short goes to the one before it; where the sum fits."""
        forward: list[Span] = []
        for span in spans:
            self._join_or_append(forward, span, short=bool(forward) and forward[-1].words < self._minimum)
        backward: list[Span] = []
        for span in forward:
            self._join_or_append(backward, span, short=span.words < self._minimum)
        return backward

    def _join_or_append(self, spans: list[Span], span: Span, *, short: bool) -> None:
        if short and spans and spans[-1].words + span.words <= self._limit:
            spans[-1] = _joined(spans[-1], span)
        else:
            spans.append(span)

    def _overlapped(self, text: str, spans: list[Span]) -> Iterator[Span]:
        """Each span drawn over its neighbour: by the overlap within a section, and in any case up to the minimum."""
        for place, span in enumerate(spans):
            wanted = 0 if span.fresh else min(self._overlap, self._limit - span.words)
            needed = self._minimum - span.words
            if place and max(wanted, needed) > 0:
                yield _drawn_back(text, spans[place - 1], span, max(wanted, needed), exact=needed > 0)
            elif needed > 0 and len(spans) > 1:
                yield _drawn_on(text, span, spans[1], needed)
            else:
                yield span


def _breaks(block: Block) -> Sequence[re.Pattern[str]]:
    return (_SENTENCE, _LINE) if block.prose else (_LINE, _SENTENCE)


def _drawn_back(text: str, before: Span, span: Span, wanted: int, *, exact: bool) -> Span:
    """The span with about `wanted` words before it: from where a sentence begins, unless it must be `exact`."""
    near = max(before.start, span.start - wanted * _WIDE)
    starts = word_starts(text, near, span.start)
    if len(starts) <= wanted:
        starts = word_starts(text, before.start, span.start)
    start = starts[max(0, len(starts) - wanted)]
    if not exact:
        sentences = [match.end() for match in _EITHER.finditer(text, max(before.start, start - 2), span.start)]
        place = bisect_left(sentences, start)
        start = sentences[place] if place < len(sentences) else start
    return Span(start, span.end, count_words(text[start : span.end]), _common(before.path, span.path), span.fresh)


def _drawn_on(text: str, span: Span, behind: Span, needed: int) -> Span:
    """The first span with the first `needed` words of the one behind it."""
    starts = [*word_starts(text, behind.start, behind.end), behind.end]
    end = _trimmed(text, span.start, starts[min(needed, len(starts) - 1)])[1]
    return Span(span.start, end, count_words(text[span.start : end]), _common(span.path, behind.path), span.fresh)


def _joined(first: Span, second: Span) -> Span:
    return Span(first.start, second.end, first.words + second.words, _common(first.path, second.path), first.fresh)


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The headings above both."""
    same = 0
    while same < min(len(first), len(second)) and first[same] == second[same]:
        same += 1
    return first[:same]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    stretch = text[start:end]
    return start + len(stretch) - len(stretch.lstrip()), start + len(stretch.rstrip())


def _piece(text: str, span: Span) -> Piece:
    return Piece(text[span.start : span.end], span.start, span.end, span.path, as_tokens(span.words))
