"""Speakers: the language models of a worker, each opened once for each way in which it is set, and who of them answers a question.

All models that tiers, fallbacks, siblings and the arms of experiments name are opened when the worker starts, so that a wrong name is told
of at once. A model's slots and its breaker belong to its name: an arm with another temperature asks the same server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

from cachetools import LRUCache

from connectors.language_model import open_language_model
from connectors.language_model.base import LanguageModel
from schemas.errors import InvalidSetting
from schemas.events import Route, Tier
from schemas.settings import Settings
from streams.answering.fair_slots import FairSlots
from streams.answering.guarded_model import GuardedModel, breaker_of
from streams.answering.speaker import Speaker
from streams.breaker import Breaker

_OPEN = 256  # whoever asks for another answer may set a model in a way of his own: those that were asked last stay open

Open = Callable[[str, Settings], LanguageModel]

_TIERS: tuple[Tier, ...] = get_args(Tier)  # the cheapest first
_CONCERNS_A_MODEL = tuple(name for name in Settings.model_fields if name.startswith(("model_", "ollama_", "openai_", "prompt", "tokenizer")))


class Speakers:
    """Which model answers."""

    def __init__(self, settings: Settings, open_model: Open = open_language_model) -> None:
        self._settings, self._open = settings, open_model
        self._opened: LRUCache[tuple[object, ...], LanguageModel] = LRUCache(_OPEN)
        self._slots: dict[str, FairSlots] = {}
        self._breakers: dict[str, Breaker] = {}

    def chain(self, route: Route, settings: Settings) -> tuple[Speaker, ...]:
        """Who answers; the next one if one before fails. Raises InvalidSetting, MissingExtra."""
        names = (_of_tier(route.tier, settings), *settings.fallback_models)
        return tuple(self._speaker(name, settings) for name in dict.fromkeys(names))

    def open_all(self, settings: Settings) -> None:
        """Open all models that these settings name. Raises InvalidSetting, MissingExtra."""
        for setting, name in _named(settings):
            try:
                self._speaker(name, settings)
            except InvalidSetting as error:
                raise InvalidSetting(f"{setting}: {error.detail}", remedy=error.remedy) from error

    def _speaker(self, name: str, settings: Settings) -> Speaker:
        key = (name, *(getattr(settings, concern) for concern in _CONCERNS_A_MODEL))
        model = self._opened.get(key)
        if model is None:
            model = self._opened[key] = GuardedModel(self._open(name, settings), self._breaker(name))
        return Speaker(model, self._slots.setdefault(name, FairSlots(self._settings.model_concurrency)))

    def _breaker(self, name: str) -> Breaker:
        if name not in self._breakers:
            own = self._settings
            self._breakers[name] = breaker_of(name, failures=own.breaker_failures, reset_s=own.breaker_reset_s)
        return self._breakers[name]


def require_slots(settings: Settings) -> None:
    """Whoever waits for a model's slot is one of the records that a worker works on: some have to be left for what needs no model.
    Raises InvalidSetting."""
    if settings.concurrency <= settings.model_concurrency:
        raise InvalidSetting(
            f"ROXY_CONCURRENCY={settings.concurrency} is not above ROXY_MODEL_CONCURRENCY={settings.model_concurrency}.",
            remedy="Raise it, twice as high say: answers that wait for a model would keep back those that need none.",
        )


def _of_tier(tier: Tier | None, settings: Settings) -> str:
    """The model of a tier; of one that has none, the next larger one's, or else the next smaller one's."""
    if tier is None or not settings.tiers:
        return settings.language_model
    models = {"extractive": "extractive"} | settings.tiers
    place = _TIERS.index(tier)
    return next(models[near] for near in (*_TIERS[place:], *reversed(_TIERS[:place])) if near in models)


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    """By which setting, which model."""
    yield "ROXY_LANGUAGE_MODEL", settings.language_model
    for name in settings.tiers.values():
        yield "ROXY_TIERS", name
    for name in settings.fallback_models:
        yield "ROXY_FALLBACK_MODELS", name
    for name in settings.sibling_models:
        yield "ROXY_SIBLING_MODELS", name
