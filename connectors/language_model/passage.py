"""Passages: a chunk as the extractive model and its evidence read it, remembered, because good chunks are found again and again."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from connectors.keyword_index.terms import Analyser
from connectors.language_model.sentences import sentences_of
from connectors.language_model.weights import Terms
from schemas.events import RetrievedChunk

_REMEMBERED = 2_048  # some 10 KB each; reading one anew costs half a millisecond


class Sentence(NamedTuple):
    """A sentence that can be quoted, and its terms."""

    text: str
    terms: Terms


class Passage(NamedTuple):
    """What a chunk holds."""

    sentences: tuple[Sentence, ...]
    headings: Terms  #: of the title and the headings
    terms: Terms  #: of all of it, headings and what cannot be quoted too
    words: int


def passage_of(chunk: RetrievedChunk) -> Passage:
    """The chunk's text, read."""
    return read(*parts_of(chunk))


def parts_of(chunk: RetrievedChunk) -> tuple[str, str]:
    """All that a passage depends on: its headings and its text."""
    return " ".join((chunk.title, *chunk.heading_path)), chunk.text


@lru_cache(maxsize=_REMEMBERED)
def read(headings: str, text: str) -> Passage:
    """The same of a chunk's parts."""
    analyser = Analyser()
    sentences = sentences_of(text)
    above, whole, *each = analyser.terms_of_each([headings, text, *sentences])
    return Passage(tuple(map(Sentence, sentences, each)), above, above | whole, len(text.split()))


def forget_passages() -> None:
    """As in a worker that has read none."""
    read.cache_clear()
