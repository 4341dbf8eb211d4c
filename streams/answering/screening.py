"""Screening: what in the chunks or in the question speaks to the model instead of to the reader. Pure."""

from __future__ import annotations

from connectors.language_model.base import Prompt
from schemas.events import Screened
from schemas.settings import Settings


def screened(prompt: Prompt, settings: Settings) -> tuple[Prompt, tuple[Screened, ...]]:
    """The prompt without it, and what was found."""
    return prompt, ()
