"""Routing: which tier of models answers a question. Pure, and quick: it stands before the first token.

A rule is a row of ROXY_ROUTES, or of `routes.json` where that is not set: the first one that fits decides, and the last one fits every question.
Patterns run on google-re2, whose time is linear in the question, whatever somebody writes into either.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import re2
from pydantic import TypeAdapter

from connectors.language_model.evidence import confidence
from schemas.answering_settings import RouteRule
from schemas.errors import InvalidSetting
from schemas.events import ChunksRetrieved, Intent, Route
from schemas.settings import Settings


class _Row(NamedTuple):
    """A rule, its pattern read."""

    rule: RouteRule
    pattern: Any

    def fits(self, question: str, words: int, intent: Intent, sure: float) -> bool:
        rule = self.rule
        return (
            (not rule.intents or intent in rule.intents)
            and (rule.most_words is None or words <= rule.most_words)
            and (rule.least_words is None or words >= rule.least_words)
            and (rule.confident is None or sure >= rule.confident)
            and (rule.unsure is None or sure <= rule.unsure)
            and (self.pattern is None or self.pattern.search(question) is not None)
        )


def routed(found: ChunksRetrieved, settings: Settings) -> Route:
    """The first rule that fits decides. Without tiers one model answers all; how sure the chunks are is told all the same."""
    text = found.understanding.text
    sure = confidence(text, found.chunks)
    if not settings.routing or not settings.tiers:
        return Route(confidence=sure)
    question = " ".join(text.lower().split())
    rule = _deciding(_table(settings.routes), question, found.understanding.intent, sure)
    return Route(tier=rule.tier, rule=rule.name, confidence=sure)


def require_routes(settings: Settings) -> None:
    """Raises InvalidSetting for ROXY_ROUTES that some question would find no way through, or with a pattern that cannot be read."""
    _table(settings.routes)


def _deciding(table: tuple[_Row, ...], question: str, intent: Intent, sure: float) -> RouteRule:
    words = question.count(" ") + 1
    return next(row.rule for row in table if row.fits(question, words, intent, sure))


@lru_cache(maxsize=64)  # the arms of experiments may have routes of their own
def _table(rules: tuple[RouteRule, ...]) -> tuple[_Row, ...]:
    rows = tuple(_Row(rule, _pattern(rule)) for rule in rules or _built_in())
    if rows[-1].rule != RouteRule(name=rows[-1].rule.name, tier=rows[-1].rule.tier):
        raise InvalidSetting("ROXY_ROUTES: the last rule does not fit every question.", remedy="End it with a rule of a name and a tier only.")
    return rows


def _pattern(rule: RouteRule) -> Any:
    if rule.pattern is None:
        return None
    try:
        return re2.compile(rule.pattern, _quiet())
    except re2.error as error:
        raise InvalidSetting(
            f"ROXY_ROUTES: the pattern of rule {rule.name!r} cannot be read: {error}.",
            remedy="Write it in RE2's syntax, which has no look-around and no back-references: https://github.com/google/re2/wiki/Syntax.",
        ) from error


def _quiet() -> Any:
    """Errors are ours to tell: re2 would write them to stderr too."""
    options = re2.Options()
    options.log_errors = False
    return options


@cache
def _built_in() -> tuple[RouteRule, ...]:
    return TypeAdapter(tuple[RouteRule, ...]).validate_json(files(__package__).joinpath("routes.json").read_bytes())
