"""Tokens as the model's own tokenizer.json counts them, by the `tokenizers` package."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from schemas.errors import InvalidSetting


class TokenizerJson:
    """See connectors/tokenizer/base.py."""

    def __init__(self, file: Path) -> None:
        self.name = f"tokenizer.json:{file.parent.name}"
        self._tokenizer = _read(file)
        self._tokenizer.no_truncation()  # MiniLM's own says 128: every text would be at most that long
        self._tokenizer.no_padding()

    def count(self, text: str) -> int:
        """See connectors/tokenizer/base.py."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _read(file: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the package knows no other class for it
        raise InvalidSetting(f"ROXY_TOKENIZER_FILE holds no tokenizer: {error}.", remedy="Take tokenizer.json from the model's own files.") from error
