"""Tokenizer: how long a text is, in a model's tokens. `open_tokenizer` makes the one that ROXY_TOKENIZER_FILE names, else an estimate."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from connectors.tokenizer.base import Tokenizer
from connectors.tokenizer.estimate import EstimatedTokens
from schemas.errors import InvalidSetting, MissingExtra


@cache
def open_tokenizer(file: Path | None) -> Tokenizer:
    """The tokenizer, read once. Raises InvalidSetting, MissingExtra."""
    if file is None:
        return EstimatedTokens()
    if not file.is_file():
        raise InvalidSetting(f"ROXY_TOKENIZER_FILE is no file: {file}.", remedy="Take tokenizer.json from the model's own files.")
    if find_spec("tokenizers") is None:
        raise MissingExtra(
            "ROXY_TOKENIZER_FILE asks for the package tokenizers, which is not installed.", remedy="Install the extra `tokenizer` of roxy."
        )
    from connectors.tokenizer.tokenizer_json import TokenizerJson

    return TokenizerJson(file)
