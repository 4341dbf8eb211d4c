"""Guarded model: a language model behind a breaker. One that failed several times in a row is left alone for a while, at no cost of time.

A refusal is as good as an answer here: the server is there, and what it minds is the request or the settings. The first token of the
answer that tries a model again is enough to let the others in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from prometheus_client import Counter

from connectors.language_model.base import Finish, LanguageModel, Prompt
from schemas.errors import ModelRefused, ModelUnavailable
from schemas.events import RetrievedChunk
from streams.breaker import Breaker
from streams.task import told_to_stop

_CHANGES = Counter("roxy_model_breaker_changes", "Changes of the state of a language model's breaker.", ["model", "state"])


class GuardedModel:
    """See connectors/language_model/base.py."""

    def __init__(self, model: LanguageModel, breaker: Breaker) -> None:
        self._model, self._breaker = model, breaker
        self.name, self.resumes, self.converses, self.worth_keeping = model.name, model.resumes, model.converses, model.worth_keeping
        self.template = model.template
        self.parameters: dict[str, Any] = model.parameters

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        await self._model.read_ahead(chunks)

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        """The model's. Raises ModelUnavailable at once while it is left alone. The failure at which it is, too, says until when."""
        try:
            async with self._breaker.call(answers=(ModelRefused,)) as call, aclosing(self._tokens(prompt, prefix)) as tokens:
                async for token in tokens:
                    await call.works()
                    yield token
        except ModelUnavailable as error:
            error.retry_after_s = max(error.retry_after_s, self._breaker.left_s)
            raise

    async def _tokens(self, prompt: Prompt, prefix: str) -> AsyncGenerator[str | Finish, None]:
        async with aclosing(self._model.stream(prompt, prefix=prefix)) as tokens:
            try:
                async for token in tokens:
                    yield token
            except asyncio.CancelledError as error:
                if told_to_stop():
                    raise
                raise ModelUnavailable(f"The language model {self.name} was cancelled by something that it called.") from error


def breaker_of(name: str, *, failures: int, reset_s: float) -> Breaker:
    """A language model's."""
    return Breaker(name, f"The language model {name}", failures=failures, reset_s=reset_s, refusal=ModelUnavailable, changes=_CHANGES)
