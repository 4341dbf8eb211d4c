"""Definitions: what documents themselves say that an acronym stands for, `in-sync replicas (ISR)` or `ISR (in-sync replicas)`. Pure.

The long form is found as Schwartz and Hearst (2003) do it: backwards, each letter of the acronym in the words before it, the first one
at the start of a word. Read from the chunks found for the acronym when a question holds it: nothing is kept, so a document that is gone
defines nothing, and an index of an earlier day knows what was defined then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: A word in capitals: what may be an acronym.
ACRONYM = re.compile(r"\b([A-Z][A-Z0-9]{1,5})s?\b")
_REACH = 120  # characters around an acronym that its long form may take


def long_form(acronym: str, texts: Iterable[str]) -> str | None:
    """What the first of the texts that says so has the acronym stand for."""
    return next((form for text in texts for form in _forms(acronym, text)), None)


def _forms(acronym: str, text: str) -> Iterator[str]:
    for found in re.finditer(rf"\(\s*{re.escape(acronym)}s?\b[^()\n]{{0,20}}\)", text):
        form = _ending_in(acronym, text[max(0, found.start() - _REACH) : found.start()])
        if form is not None:
            yield form
    for found in re.finditer(rf"\b{re.escape(acronym)}s?\s*\(([^()\n]{{4,{_REACH}}})\)", text):
        form = _ending_in(acronym, found[1])
        if form is not None and len(form) >= len(found[1].strip()) - 1:
            yield form


def _ending_in(acronym: str, before: str) -> str | None:
    """The words at the end of a text that the acronym's letters stand for."""
    words, letters, place = before.rstrip(" \"“*_`'"), acronym.lower(), 0
    place = len(words)
    for number, letter in reversed(list(enumerate(letters))):
        place = _letter_before(words.lower(), letter, place, at_word=number == 0)
        if place < 0:
            return None
    form = " ".join(words[place:].split())
    return form if len(acronym) < len(form) and 1 < len(form.split()) + form.count("-") <= min(len(letters) + 5, 2 * len(letters)) else None


def _letter_before(words: str, letter: str, end: int, *, at_word: bool) -> int:
    place = words.rfind(letter, 0, end)
    while place > 0 and at_word and words[place - 1].isalnum():
        place = words.rfind(letter, 0, place)
    return place
