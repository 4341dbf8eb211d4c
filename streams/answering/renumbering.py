"""Renumbering: an answer's text with other numbers for the same chunks. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from streams.answering.citations import LIST, numbers_in

_LIST = re.compile(LIST)
_LIKE_ONE = re.compile(r"\[\s*[0-9]")
_NUMBER = re.compile(r"[0-9]+")


def renumbered(text: str, places: Mapping[int, int | None]) -> str | None:
    """The text, with each cited number's present one. None if it cannot be said: a chunk has none, or what stands in brackets is no citation."""
    numbers = set(numbers_in(text))
    if not numbers or any(places.get(number) is None for number in numbers):
        return None
    if all(places[number] == number for number in numbers):
        return text
    if "`" in text or _LIKE_ONE.search(_LIST.sub("", text)):  # brackets in code are indexes; of others, such as [1–3], nobody knows what they are
        return None
    return _LIST.sub(lambda found: _NUMBER.sub(lambda number: str(places[int(number[0])]), found[0]), text)
