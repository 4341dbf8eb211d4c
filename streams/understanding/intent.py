"""Intent: what a question wants, by the rules of `intents.json`. Pure.

A rule is a label and patterns. Those of shortcuts must fit all of a question, because who is answered by a shortcut is not looked up:
when in doubt, it is a lookup. Patterns see words only: lower case, signs between words as blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, Self

from schemas.events import Intent
from streams.understanding.cleaning import cleaned

_BETWEEN_WORDS = re.compile(r"(?<![\w.-])[^\w\s]+|[^\w\s]+(?=\s|$)|['’]|,")
_CONTRACTED = re.compile(r"\b(what|how|who|where|when|it|that|there|let)['’]s\b")
_MOST_WORDS = 30  # a longer text leans on nothing and is no courtesy


class Shortcut(NamedTuple):
    """A question that is answered without looking anything up."""

    intent: Intent
    answer: str


class _Signs(NamedTuple):
    """Patterns of one rule, those that stand at the start apart: these need not be tried at every letter."""

    first: re.Pattern[str]
    anywhere: re.Pattern[str] | None

    @classmethod
    def of(cls, patterns: Sequence[str]) -> Self:
        anywhere = [pattern for pattern in patterns if not pattern.startswith("^")]
        return cls(_any_of([pattern for pattern in patterns if pattern.startswith("^")]), _any_of(anywhere) if anywhere else None)

    def fit(self, words: str) -> bool:
        return self.first.match(words) is not None or (self.anywhere is not None and self.anywhere.search(words) is not None)


class _Rules(NamedTuple):
    """The file, read."""

    shortcuts: tuple[tuple[re.Pattern[str], Shortcut], ...]
    kinds: tuple[tuple[_Signs, Intent], ...]
    leaning: _Signs
    pronouns: re.Pattern[str]
    no_pronoun: re.Pattern[str]
    empty: frozenset[str]


def shortcut_of(asked: str) -> Shortcut | None:
    """The shortcut that a question takes, if it takes one: as it was asked, or without courtesies."""
    return _fitting(cleaned(asked)) or _fitting(asked)


def kind_of(text: str) -> Intent:
    """How-to, comparison, or lookup, which is all the rest."""
    words = words_of(text)
    return next((intent for signs, intent in _rules().kinds if signs.fit(words)), "lookup")


def goes_on(text: str) -> bool:
    """Whether the form of a question says that it belongs to the one before."""
    words = words_of(text)
    return words.count(" ") <= _MOST_WORDS and _rules().leaning.fit(words)


def pronouns() -> re.Pattern[str]:
    """Words that stand for what was said before."""
    return _rules().pronouns


def without_empty_pronouns(words: str) -> str:
    """Without those that stand for nothing: `is it possible to`."""
    return _rules().no_pronoun.sub(" ", words)


def empty_words() -> frozenset[str]:
    """Words that name nothing, so that a pronoun behind them has nothing in its own question to stand for."""
    return _rules().empty


def _fitting(text: str) -> Shortcut | None:
    words = words_of(text)
    if words.count(" ") > _MOST_WORDS:
        return None
    return next((shortcut for pattern, shortcut in _rules().shortcuts if pattern.fullmatch(words)), None)


@lru_cache(maxsize=256)  # each stage asks for them again
def words_of(text: str) -> str:
    """The text as the patterns see it."""
    return " ".join(_BETWEEN_WORDS.sub(" ", _CONTRACTED.sub(r"\1 is", text.lower())).split())


@cache
def _rules() -> _Rules:
    read: dict[str, Any] = json.loads(files(__package__).joinpath("intents.json").read_text("utf-8"))
    return _Rules(
        shortcuts=tuple((_any_of(rule["patterns"]), Shortcut(rule["intent"], rule["answer"])) for rule in read["shortcuts"]),
        kinds=tuple((_Signs.of(rule["patterns"]), rule["intent"]) for rule in read["kinds"]),
        leaning=_Signs.of([pattern for rule in read["leaning"] for pattern in rule["patterns"]]),
        pronouns=_any_of(read["pronouns"]),
        no_pronoun=re.compile(read["no_pronoun"]),
        empty=frozenset(read["empty"].split()),
    )


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
