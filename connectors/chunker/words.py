"""How long a text is in tokens, without a tokenizer: words and signs counted by one regular expression, times 1.25.

Over English and code that covers the 95th percentile of OpenAI's vocabularies (median ratio 1.01), and it counts a 400-token chunk in
about 60 microseconds, where a tokenizer caps ingestion at 220 to 2,260 chunks a second. A chunker, which counts the same text again and
again, finds all words at once (`Words`): 5 microseconds for such a chunk.
A run of letters counts once per 16 of them, an ideograph counts as a word: else a base64 blob or a page of Japanese would be one word.
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

_IDEOGRAPH = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_LONGEST = 16  # letters of a word
_WORD = re.compile(rf"{_IDEOGRAPH}|\w{{1,{_LONGEST}}}|[^\w\s]")
_PER_WORD = 1.25
_PLANE = 0x10000  # characters that UTF-16 holds as one number
_SPACES, _SIGNS, _LETTERS, _IDEOGRAPHS = range(4)


class Words:
    """A text and where each of its words begins: a stretch is counted by looking up, if it begins with a word or with what is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = array("q", _starts(text).tobytes())  # bisect reads single numbers faster than of numpy

    def count(self, start: int, end: int) -> int:
        """Words and signs of a stretch."""
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)

    def starts(self, start: int, end: int) -> Sequence[int]:
        """Where each word of a stretch begins."""
        return self._starts[bisect_left(self._starts, start) : bisect_left(self._starts, end)]


def count_words(text: str) -> int:
    """Words and signs. Of two texts parted by white space the counts add up."""
    return len(_WORD.findall(text))


def word_starts(text: str, start: int, end: int) -> list[int]:
    """Where each word of a stretch begins."""
    return [word.start() for word in _WORD.finditer(text, start, end)]


def as_tokens(words: int) -> int:
    """The tokens that so many words make at most, in all but odd text."""
    return math.ceil(words * _PER_WORD)


def as_words(tokens: int) -> int:
    """The most words that fit into so many tokens."""
    return int(tokens / _PER_WORD)


def _starts(text: str) -> NDArray[np.int64]:
    """As `word_starts`, ten times as fast; but for a text that needs the expression: one with ideographs, or with characters of two numbers."""
    numbers = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")
    kinds = _kinds()[numbers]
    if len(numbers) > len(text) or (kinds == _IDEOGRAPHS).any():
        return np.array(word_starts(text, 0, len(text)), dtype=np.int64)
    edges = np.diff(kinds == _LETTERS, prepend=False, append=False).nonzero()[0]
    firsts, ends = edges[::2], edges[1::2]
    begins = kinds == _SIGNS
    begins[firsts] = True
    for run in np.flatnonzero(ends - firsts > _LONGEST):
        begins[firsts[run] : ends[run] : _LONGEST] = True
    return np.flatnonzero(begins)


@cache
def _kinds() -> NDArray[np.uint8]:
    """Of each character, as the expression sees it."""
    characters = "".join(map(chr, range(_PLANE)))
    kinds = np.full(_PLANE, _SIGNS, dtype=np.uint8)
    for kind, pattern in ((_SPACES, r"\s+"), (_LETTERS, r"\w+"), (_IDEOGRAPHS, f"{_IDEOGRAPH}+")):
        for run in re.finditer(pattern, characters):
            kinds[run.start() : run.end()] = kind
    return kinds
