"""How long a text is in tokens, without a tokenizer: words and signs counted by one regular expression, times 1.25.

Over English and code that covers the 95th percentile of OpenAI's vocabularies (median ratio 1.01), and it counts a 400-token chunk in
about 60 microseconds, where a tokenizer caps ingestion at 220 to 2,260 chunks a second.
A run of letters counts once per 16 of them, an ideograph counts as a word: else a base64 blob or a page of Japanese would be one word.
"""

from __future__ import annotations

import math
import re

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w{1,16}|[^\w\s]")
_PER_WORD = 1.25


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
