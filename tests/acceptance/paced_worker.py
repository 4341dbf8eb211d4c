"""A worker whose models speak at a pace, so that a test can kill it in the middle of an answer: `python -m tests.acceptance.paced_worker`.

Everything else is streams/worker.py. The scripted model has a pace of its own; the extractive one, and a small model on a server, say all at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from connectors import language_model
from connectors.language_model.base import Finish, LanguageModel, Prompt
from schemas.events import RetrievedChunk
from schemas.settings import Settings

PACE_S = 0.05  # between two tokens


class PacedModel:
    """A model, slowed down."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.name, self.parameters = model.name, model.parameters
        self.resumes: Literal["rerun", "prefix", "restart"] = model.resumes
        self.converses, self.worth_keeping = model.converses, model.worth_keeping

    def __getattr__(self, name: str) -> Any:
        """What else there is of the model."""
        return getattr(self._model, name)

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        await self._model.read_ahead(chunks)

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        async with aclosing(self._model.stream(prompt, prefix=prefix)) as parts:
            async for part in parts:
                await asyncio.sleep(PACE_S)
                yield part


def main() -> None:
    """The worker's own, with another way to open a model."""
    opened = language_model.open_language_model

    def paced(setting: str, settings: Settings) -> LanguageModel:
        return PacedModel(opened(setting, settings))

    language_model.open_language_model = paced
    from streams.worker import main as work  # behind the change: what it imports binds the name

    work()


if __name__ == "__main__":
    main()
