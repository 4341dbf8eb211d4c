"""Chunks that end where the meaning changes: where the two sentences before are far from the two behind, as an embedding model sees them.

The recipe is Greg Kamradt's ("5 Levels of Text Splitting", level 4), as LangChain's SemanticChunker and LlamaIndex's
SemanticSplitterNodeParser have it: sentences are embedded with their neighbours, and a distance above the 95th percentile of the
document's is a break. There the texts compared share two of their three sentences, here none, as the blocks of Hearst's TextTiling (1997):
of 120 places where one paragraph was joined to another's of the sample pages, 87 are among the largest distances, and 31 with the former.
Added: a chunk below the minimum takes no break; one that reaches the limit ends at the largest distance since the minimum; a list, table
or code fence counts as one sentence, a heading belongs to the one behind it. Neighbours share nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from connectors.chunker.base import Piece
from connectors.chunker.blocks import Block
from connectors.chunker.spans import LINE, SENTENCE, Part, Span, as_piece, join_short, joined, parts_of, units_of
from connectors.chunker.thread import in_turn
from connectors.chunker.words import Words, as_words
from connectors.embedder.base import Embedder, Vectors

_PERCENTILE = 95
_MOST_UNITS = 10_000  # a longer document's shortest sentences are joined: else one of full stops would be millions of vectors

Distances = NDArray[np.float32]


class SemanticChunker:
    """The backend that asks a model. Limits are in tokens."""

    def __init__(self, embedder: Embedder, *, limit: int, minimum: int) -> None:
        self._embedder = embedder
        self._limit = as_words(limit)
        self._minimum = min(as_words(minimum + 1), self._limit // 2)

    async def cut(self, text: str) -> list[Piece]:
        """The text's pieces in order. Raises ModelUnavailable."""
        units = await in_turn(self._units, text)
        if sum(unit.words for unit in units) <= 2 * self._minimum:  # no break leaves both sides long enough, so nothing is asked
            return [as_piece(text, reduce(joined, units))] if units else []
        rows = await self._embedder.embed(_blocks(text, units))
        return await in_turn(self._cut, text, units, rows)

    def _cut(self, text: str, units: Sequence[Span], rows: Vectors) -> list[Piece]:
        distances: Distances = 1 - np.einsum(
            "ij,ij->i", rows[:-2], rows[2:]
        )  # of the block that ends before a gap, and the one that begins behind it
        spans = join_short(self._spans(units, distances), self._minimum, self._limit)
        return [as_piece(text, span) for span in spans]

    def _units(self, text: str) -> list[Span]:
        """The sentences of prose; every other block whole, if it fits."""
        words = Words(text)

        def parts(block: Block) -> Iterable[Part]:
            if not block.prose:
                return parts_of(words, block.start, block.end, (LINE, SENTENCE), self._limit)
            places = [block.start, *(match.end() for match in SENTENCE.finditer(text, block.start, block.end)), block.end]
            return chain.from_iterable(parts_of(words, first, last, (LINE,), self._limit) for first, last in pairwise(places))

        units = list(_with_headings(units_of(text, parts), self._limit))
        shortest = sum(unit.words for unit in units) // _MOST_UNITS
        return join_short(units, min(shortest, self._minimum), self._limit)

    def _spans(self, units: Sequence[Span], distances: Distances) -> Iterator[Span]:
        """The units joined from break to break."""
        threshold = float(np.percentile(distances, _PERCENTILE)) if len(distances) else 0.0
        first = 0
        while first < len(units):
            last = self._end(units, distances, threshold, first)
            yield reduce(joined, units[first:last])
            first = last

    def _end(self, units: Sequence[Span], distances: Distances, threshold: float, first: int) -> int:
        """One past the last unit of the span that begins with this one."""
        words, furthest = 0, 0
        for place in range(first, len(units)):
            words += units[place].words
            if words > self._limit:
                return furthest or place
            if words >= self._minimum and place < len(distances):
                if distances[place] > threshold:
                    return place + 1
                furthest = place + 1 if not furthest or distances[place] >= distances[furthest - 1] else furthest
        return len(units)


def _blocks(text: str, units: Sequence[Span]) -> list[str]:
    """Each unit with the next: one alone is often too short to say what it is about. At both ends there is one alone."""
    return [text[first.start : last.end] for first, last in zip([units[0], *units], [*units, units[-1]], strict=True)]


def _with_headings(units: Iterable[Span], limit: int) -> Iterator[Span]:
    """Each heading joined to what follows it, if it fits."""
    heading: Span | None = None
    for unit in units:
        if heading and heading.words + unit.words > limit:
            yield heading
            heading = None
        whole = joined(heading, unit) if heading else unit
        heading = whole if unit.fresh else None
        if not heading:
            yield whole
    if heading:
        yield heading
