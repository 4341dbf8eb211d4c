"""Moderator: what in a text must not be said or asked here. `open_moderator` makes the one that ROXY_MODERATOR names."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from connectors.moderator.base import Moderator
from schemas.errors import InvalidSetting, MissingExtra
from schemas.settings import Settings


def open_moderator(settings: Settings) -> Moderator | None:
    """The moderator; nothing is asked of its server yet. None: all passes. Raises InvalidSetting, MissingExtra."""
    setting = settings.moderator
    if setting == "none":
        return None
    backend, _, rest = setting.partition(":")
    if backend == "words" and rest:
        from connectors.moderator.words import WordsModerator

        return WordsModerator.of(Path(rest))
    if backend == "openai" and rest:
        if find_spec("openai") is None:
            raise MissingExtra("ROXY_MODERATOR asks for the package openai, which is not installed.", remedy="Install the extra `openai` of roxy.")
        from connectors.moderator.openai import OpenAIModerator

        return OpenAIModerator(rest, settings)
    raise InvalidSetting(f"ROXY_MODERATOR names no moderator: {setting!r}.", remedy="Use none, words:<file>, or openai:<model>.")
