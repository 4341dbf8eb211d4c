"""Context: as many of the chunks as a model shall be given, whole ones from the front. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

from connectors.chunker.words import as_tokens, as_words, count_words, word_starts
from streams.search.candidate import Candidate

_SENTENCE_END = re.compile(r"(?<=[.!?…])(?=\s)|(?<=[。！？])|(?=\n\s*\n)")


def within_budget(candidates: Sequence[Candidate], tokens: int) -> list[Candidate]:
    """The first ones that fit together. Of the best something always stays: should it alone be too long, its first sentences that fit."""
    sums = accumulate(candidate.chunk.tokens for candidate in candidates)
    fitting = [candidate for candidate, so_far in zip(candidates, sums, strict=True) if so_far <= tokens]
    return fitting or [_trimmed(candidate, tokens) for candidate in candidates[:1]]


def sentence_ends(text: str, most: int | None = None) -> list[int]:
    """Where a text, or its first so many characters, can be cut behind a sentence."""
    return [end.start() for end in _SENTENCE_END.finditer(text, 0, len(text) if most is None else most) if end.start()]


def _trimmed(candidate: Candidate, tokens: int) -> Candidate:
    """Cut behind a sentence, or behind a word where the first sentence is too long itself."""
    chunk, words = candidate.chunk, as_words(tokens)
    starts = word_starts(chunk.text, 0, len(chunk.text))
    most = starts[words] if words < len(starts) else len(chunk.text)
    ends = sentence_ends(chunk.text, most)
    text = chunk.text[: ends[-1] if ends else most].rstrip()
    return candidate._replace(chunk=chunk._replace(held=text, end=chunk.start + len(text), tokens=as_tokens(count_words(text))))
