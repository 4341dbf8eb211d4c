"""Tokens without a tokenizer: words and signs, times 1.25, as chunks are counted (connectors/chunker/words.py says how well that fits).

Where that is far too low, a prompt would be longer than the model may be given: so a text has at least a token for four of its bytes, as
long words have, and a word with a digit in it one for two characters, as hex, base64 and numbers have.
"""

from __future__ import annotations

import re

from connectors.chunker.words import as_tokens, count_words

_WITH_A_DIGIT = re.compile(r"\b[^\W\d]*\d\w*", re.ASCII)
_BYTES_A_TOKEN, _CHARACTERS_A_TOKEN = 4, 2


class EstimatedTokens:
    """See connectors/tokenizer/base.py."""

    name = "estimate"

    def count(self, text: str) -> int:
        """See connectors/tokenizer/base.py."""
        odd = _WITH_A_DIGIT.findall(text)
        counted = as_tokens(count_words(_WITH_A_DIGIT.sub(" ", text) if odd else text)) + sum(-(-len(word) // _CHARACTERS_A_TOKEN) for word in odd)
        return max(counted, -(-len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN))
