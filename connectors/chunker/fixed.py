"""Windows of so many tokens, each sharing `overlap` tokens with the one before, whatever the text says there: the baseline.

A window ends before a word, not within one, as long as that leaves it three quarters full.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from connectors.chunker.base import Piece
from connectors.chunker.spans import Span, as_piece, trimmed
from connectors.chunker.thread import in_turn
from connectors.chunker.words import Words, as_words


class FixedChunker:
    """The backend that does not look at the structure. Limits are in tokens."""

    def __init__(self, *, limit: int, overlap: int, minimum: int) -> None:
        self._limit = as_words(limit)
        self._overlap = min(as_words(overlap), self._limit // 2)
        self._minimum = min(as_words(minimum + 1), self._limit // 2)

    async def cut(self, text: str) -> list[Piece]:
        """The text's windows in order."""
        return await in_turn(self._cut, text)

    def _cut(self, text: str) -> list[Piece]:
        starts = Words(text).starts(0, len(text))
        loose = [place for place, start in enumerate(starts) if start == 0 or text[start - 1].isspace()]
        places = [*starts, len(text)]
        windows = self._windows(len(starts), loose)
        return [as_piece(text, Span(*trimmed(text, places[first], places[last]), last - first)) for first, last in windows]

    def _windows(self, words: int, loose: list[int]) -> Iterator[tuple[int, int]]:
        """First word and one past the last, of each window. `loose`: the words with white space before them."""
        first = last = 0
        slack = self._limit // 4
        while last < words:
            last = first + self._limit
            if last < words:
                last = _latest(loose, last, least=last - slack)
            yield first, min(last, words)
            next_first = min(last - self._overlap, words - self._minimum)
            first = _latest(loose, next_first, least=max(first + 1, next_first - slack))


def _latest(loose: list[int], place: int, least: int) -> int:
    """The last word up to this one that has white space before it, if it is not before `least`."""
    found = bisect_right(loose, place) - 1
    return loose[found] if found >= 0 and loose[found] >= least else place
