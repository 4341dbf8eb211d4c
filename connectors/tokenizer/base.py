"""Tokenizer: how long a text is, in a model's tokens.

Guarantees (tests/contract/test_tokenizer.py): the same text has the same length every time; nothing is 0 tokens long; no text is cut
before it is counted, however long it is; no tokens are counted that a model's server adds.
"""

from __future__ import annotations

from typing import Protocol


class Tokenizer(Protocol):
    """Counts."""

    name: str

    def count(self, text: str) -> int:
        """Tokens of a text."""
        ...
