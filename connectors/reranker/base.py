"""Reranker: how well texts answer a question, read together with it.

Guarantees (tests/contract/test_reranker.py): one number a text, in order, higher is better; a text has the same number whatever it is asked
with, up to rounding; a call that is cancelled computes no further.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Texts by how well they answer. `name` is kept in ChunksRetrieved."""

    name: str

    async def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One number a text. Raises ModelUnavailable."""
        ...
