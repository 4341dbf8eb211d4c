"""Speakers: the language models of a worker, opened when they are first needed and kept."""

from __future__ import annotations

from collections.abc import Callable

from connectors.language_model import open_language_model
from connectors.language_model.base import LanguageModel
from schemas.events import Route
from schemas.settings import Settings

Open = Callable[[str, Settings], LanguageModel]


class Speakers:
    """Which model answers."""

    def __init__(self, open_model: Open = open_language_model) -> None:
        self._open = open_model
        self._opened: dict[str, LanguageModel] = {}

    def chain(self, route: Route, settings: Settings, tenant: str) -> tuple[LanguageModel, ...]:
        """Who answers; the next one if one before fails. Raises InvalidSetting, MissingExtra."""
        name = settings.language_model
        if name not in self._opened:
            self._opened[name] = self._open(name, settings)
        return (self._opened[name],)


def opened(settings: Settings) -> Speakers:
    """With the models that the settings name, so that a wrong name is told of at the start. Raises InvalidSetting, MissingExtra."""
    speakers = Speakers()
    speakers.chain(Route(), settings, "default")
    return speakers
