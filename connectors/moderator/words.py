"""Moderator with a list of words: a text file, a word or a phrase a line; `[name]` begins a category, `#` a comment.

Whole words are compared, without regard to case, accents, width and what stands between them; in scripts that put no blank between words,
wherever they stand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from schemas.errors import InvalidSetting

_CATEGORY = re.compile(r"\[([^\[\]]+)\]")
_WORD = re.compile(r"\w+")
_NO_BLANKS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai, Lao, Burmese, Khmer, kana, Han


class WordsModerator:
    """See connectors/moderator/base.py."""

    name = "words"

    def __init__(self, categories: Mapping[str, Iterable[str]]) -> None:
        self._phrases = {category: [_phrase(line) for line in lines] for category, lines in categories.items()}

    @classmethod
    def of(cls, file: Path) -> Self:
        """The list in a file. Raises InvalidSetting."""
        try:
            return cls(_read(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(f"ROXY_MODERATOR: the list {file} cannot be read: {error}.", remedy="It is a text file in UTF-8.") from error

    async def categories(self, text: str) -> tuple[str, ...]:
        """The categories of which a word stands in the text."""
        spelled = _spelled(text)
        return tuple(category for category, phrases in sorted(self._phrases.items()) if any(phrase in spelled for phrase in phrases))


def _read(text: str) -> dict[str, list[str]]:
    """By category; `words` until one is named."""
    categories, category = dict[str, list[str]](), "words"
    for line in (line.partition("#")[0].strip() for line in text.splitlines()):
        if named := _CATEGORY.fullmatch(line):
            category = named[1].strip()
        elif _WORD.search(line):
            categories.setdefault(category, []).append(line)
    return categories


def _spelled(text: str) -> str:
    """Its words between single blanks, so that a phrase is found as a part of it."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    words = _WORD.findall("".join(sign for sign in plain if not unicodedata.combining(sign)))
    return f" {' '.join(words)} "


def _phrase(line: str) -> str:
    """As it stands in a text that is spelled so. In a script without blanks, within a word too."""
    spelled = _spelled(line)
    return spelled.strip() if _NO_BLANKS.search(spelled) else spelled
