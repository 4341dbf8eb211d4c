"""Summary: a turn of a session in one line, without a model: its question, and the sentence of its answer that tells most. Pure.

That is the sentence that shares most with the question and with the answer's other sentences, for its length; of two alike the first.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from math import sqrt

from connectors.keyword_index.terms import Analyser
from connectors.language_model.base import Turn
from connectors.language_model.sentences import sentences_of

_LONGEST = 240  # characters of either part
_ASKED_FOR = 2  # what a word of the question counts, beside one of another sentence
_SHORT = 8  # terms; a shorter sentence is not the better for it
_REMEMBERED = 2_048  # lines: a turn is in the summary of every question after it


@lru_cache(maxsize=_REMEMBERED)
def line_of(turn: Turn) -> str:
    """The turn in one line."""
    return f"- {_short(turn.question)} → {_short(telling(turn))}"


def telling(turn: Turn) -> str:
    """The sentence of the answer that tells most; the answer, if it has none."""
    sentences = sentences_of(turn.answer)
    if len(sentences) < 2:
        return (sentences or [turn.answer])[0]
    asked, *each = Analyser().terms_of_each([turn.question, *sentences])
    said = Counter(term for terms in each for term in terms)
    worth = [sum(said[term] - 1 + _ASKED_FOR * (term in asked) for term in terms) / sqrt(max(len(terms), _SHORT)) for terms in each]
    return sentences[worth.index(max(worth))]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST].rsplit(' ', 1)[0]} …"
