"""Tokens without a tokenizer: words and signs, times 1.25, as chunks are counted (connectors/chunker/words.py says how well that fits)."""

from __future__ import annotations

from connectors.chunker.words import as_tokens, count_words


class EstimatedTokens:
    """See connectors/tokenizer/base.py."""

    name = "estimate"

    def count(self, text: str) -> int:
        """See connectors/tokenizer/base.py."""
        return as_tokens(count_words(text))
