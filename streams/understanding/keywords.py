"""Keywords: the words of a question that tell most, as they were written, and with what the index holds of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from connectors.keyword_index.terms import ASKING, Analyser

_WORD = re.compile(r"[^\W_](?:[\w.+#/:=@-]*[\w+#])?")
_MOST = 64  # words that are looked at: who pastes a page is looked up by it all the same
_TOLD = 8


class Keyword(NamedTuple):
    """A word, and what it is compared by."""

    word: str
    terms: frozenset[str]


def keywords_of(text: str, analyser: Analyser) -> list[Keyword]:
    """Each word that tells something, once, in order."""
    words = list(dict.fromkeys(_WORD.findall(text)))[:_MOST]
    keywords = [Keyword(word, terms) for word, terms in zip(words, analyser.terms_of_each(words), strict=True) if terms]
    return [keyword for keyword in keywords if keyword.word.lower() not in ASKING] or keywords


def rarest_first(keywords: list[Keyword], counts: Mapping[str, int]) -> tuple[str, ...]:
    """The words by how few chunks have their rarest part; in the question's order if that is not known."""
    ordered = sorted(keywords, key=lambda keyword: min(counts.get(term, 0) for term in keyword.terms)) if counts else keywords
    return tuple(keyword.word for keyword in ordered[:_TOLD])
