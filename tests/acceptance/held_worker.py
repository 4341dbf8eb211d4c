"""A worker whose answers stop in the middle: `python -m tests.acceptance.held_worker`. The first answer says 5 tokens, the second 10, and so on.

There they stand until it is killed. Everything else is streams/worker.py.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, cast

from connectors import language_model
from connectors.language_model.base import Finish, LanguageModel, Prompt
from schemas.settings import Settings

EVERY = 5  # tokens


class HeldModel:
    """A model that stops speaking, each time at the next place, and says no more."""

    def __init__(self, model: LanguageModel, places: Iterator[int]) -> None:
        self._model, self._places = model, places
        self._turn = asyncio.Lock()

    def __getattr__(self, name: str) -> Any:
        """All else is the model's own."""
        return getattr(self._model, name)

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        place = next(self._places)
        async with self._turn, aclosing(self._model.stream(prompt, prefix=prefix)) as parts:  # a server is asked for one answer at a time
            said = [part async for part in parts]
        for part in said[:place]:
            yield part
        await asyncio.Event().wait()


def main() -> None:
    """The worker's own, with another way to open a model."""
    opened, places = language_model.open_language_model, itertools.count(EVERY, EVERY)

    def held(setting: str, settings: Settings) -> LanguageModel:
        return cast(LanguageModel, HeldModel(opened(setting, settings), places))

    language_model.open_language_model = held
    from streams.worker import main as work  # behind the change: what it imports binds the name

    work()


if __name__ == "__main__":
    main()
