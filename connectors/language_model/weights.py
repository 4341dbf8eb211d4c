"""Weights: how much of a question a text covers, its rare words counting more. Pure; used by the extractive model and its evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from typing import NamedTuple

Terms = frozenset[str]


class Question(NamedTuple):
    """A question's terms, each with its weight."""

    weights: dict[str, float]

    @classmethod
    def weighed(cls, terms: Sequence[str], texts: Sequence[Terms]) -> Question:
        """Weights by inverse frequency among the texts found for it. A term that none of them holds weighs most: the index looks for
        rare terms first, so what it could not find is rarer still."""
        return cls({term: math.log(1 + (len(texts) + 1) / (1 + sum(term in text for text in texts))) for term in dict.fromkeys(terms)})

    def covered(self, terms: Set[str]) -> float:
        """The share of the question's weight that these terms hold, 0..1."""
        total = sum(self.weights.values())
        return sum(weight for term, weight in self.weights.items() if term in terms) / total if total else 0.0


def likeness(first: Terms, second: Terms) -> float:
    """Jaccard's: shared terms over all, 0..1."""
    return len(first & second) / len(first | second) if first | second else 0.0
