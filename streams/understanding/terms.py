"""Terms: what acronyms and technical words stand for. The file shipped here, and over it the user's own (ROXY_TERMS_FILE).

Read both ways: `ISR` stands for `in-sync replica`, and who writes that finds pages which say `ISR`. An acronym in capitals is meant in
small letters too if it has no vowel, for `tls` is no other word and `rest` is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from connectors.keyword_index.terms import Analyser
from schemas.errors import InvalidSetting

_FILE: TypeAdapter[dict[str, tuple[str, ...]]] = TypeAdapter(dict[str, tuple[str, ...]])
_VOWEL = re.compile(r"[aeiou]", re.IGNORECASE)
_PLURAL = re.compile(r"(?<=[A-Z0-9])s$")


class Terms:
    """Both files as one."""

    def __init__(self, stands_for: Mapping[str, Sequence[str]]) -> None:
        self.analyser = Analyser()
        self._stands_for = dict(stands_for) | {term.lower(): words for term, words in stands_for.items() if not _VOWEL.search(term)}
        self._phrases: defaultdict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for term, phrases in stands_for.items():
            for phrase in filter(None, map(self._terms_of, phrases)):
                self._phrases[phrase[0]].append((phrase, term))

    @classmethod
    def of(cls, file: Path | None = None) -> Self:
        """The shipped ones, and the user's over them. Raises InvalidSetting."""
        shipped = _FILE.validate_json(files(__package__).joinpath("terms.json").read_bytes())
        return cls(shipped | _read(file) if file else shipped)

    def meant_by(self, words: Sequence[str], terms: Sequence[str]) -> list[str]:
        """What the words of a question stand for, and the terms that stand for several of them. `terms`: the question's, analysed."""
        meant = [phrase for word in words for phrase in self._stands_for.get(_PLURAL.sub("", word), ())]
        return meant + [
            term
            for place, first in enumerate(terms)
            for phrase, term in self._phrases.get(first, ())
            if len(phrase) > 1 and tuple(terms[place : place + len(phrase)]) == phrase
        ]

    def _terms_of(self, phrase: str) -> tuple[str, ...]:
        return tuple(self.analyser.terms(phrase))


def _read(file: Path) -> dict[str, tuple[str, ...]]:
    try:
        return _FILE.validate_json(file.read_bytes())
    except OSError as error:
        raise InvalidSetting(f"ROXY_TERMS_FILE cannot be read: {error.strerror}: {file}.") from error
    except ValidationError as error:
        raise InvalidSetting(
            f"ROXY_TERMS_FILE is not as it should be: {file}.", remedy='Make it a JSON object of lists: {"ISR": ["in-sync replica"]}.'
        ) from error
