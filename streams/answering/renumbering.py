"""Renumbering: an answer's text with other numbers for the same chunks. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from streams.answering.citations import numbers_in

_LIST = re.compile(r"\[[0-9,; \t]{1,60}\]")
_NUMBER = re.compile(r"[0-9]+")


def renumbered(text: str, places: Mapping[int, int | None]) -> str | None:
    """The text, with each cited number's present one. None if it cannot be said: a chunk has none, or a number in brackets is no citation."""
    numbers = set(numbers_in(text))
    if not numbers or any(places.get(number) is None for number in numbers):
        return None
    if all(places[number] == number for number in numbers):
        return text
    if "`" in text:  # brackets in code are indexes
        return None
    return _LIST.sub(lambda found: _NUMBER.sub(lambda number: str(places[int(number[0])]), found[0]), text)
