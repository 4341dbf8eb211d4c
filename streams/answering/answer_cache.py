"""Answer cache: answers that may be given again. A projection of topic `answers`."""

from __future__ import annotations

from typing import NamedTuple

from connectors.language_model.base import LanguageModel, Prompt
from schemas.events import AnswerCompleted, CachedAnswer, CacheKey, ChunksRetrieved
from schemas.settings import Settings


class Hit(NamedTuple):
    """An answer that was given before."""

    text: str
    cached: CachedAnswer


class AnswerCache:
    """The answers of the last hours."""

    async def get(self, found: ChunksRetrieved, key: CacheKey, settings: Settings) -> Hit | None:
        """The answer to the same question, or to one that means the same."""
        return None

    def put(self, answer: AnswerCompleted) -> None:
        """Remember an answer that may be given again."""


def key_of(found: ChunksRetrieved, prompt: Prompt, model: LanguageModel, settings: Settings) -> CacheKey | None:
    """What the answer depends on; None: it is not to be given again."""
    return None
