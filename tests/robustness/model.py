"""The language model of a run: a server of its own that says of each question always the same, word by word, and fails when it is told to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.contract.model_servers import OLLAMA, OPENAI, Reply, serving

WORDS = (20, 70)  #: of an answer
_PER_WORD_S = 0.05


class Model:
    """`ollama:…`, which goes on behind what it has said; `openai:…`, which begins anew; or `extractive`, which needs no server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trouble = ""  #: what it does instead of answering
        self._port = 0

    @property
    def settings(self) -> dict[str, Any]:
        """That make a worker ask it."""
        address = f"http://127.0.0.1:{self._port}"
        return {"language_model": self.name, "ollama_url": address, "openai_url": f"{address}/v1", "model_resumes": "auto"}

    def heal(self) -> None:
        self.trouble = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Model]:
        """For so long."""
        async with serving(OPENAI if self.name.startswith("openai:") else OLLAMA, self._answer) as server:
            self._port = server.port
            yield self

    async def _answer(self, reply: Reply) -> None:
        """Behind what it is told that it has said."""
        if self.trouble == "refuses":
            await reply.refuse(500)
            return
        words = said_of(reply.body["messages"])
        last = reply.body["messages"][-1]
        begun = last["content"] if last["role"] == "assistant" else ""
        await reply.begin()
        for word in words[len(begun.split()) :]:
            if self.trouble == "breaks off":
                return
            if self.trouble == "is silent":
                await asyncio.Event().wait()
            await reply.send(reply.dialect.token(word))
            await asyncio.sleep(_PER_WORD_S)
        await reply.end()


def said_of(turns: list[dict[str, Any]]) -> list[str]:
    """The words of the answer to the last question, each with the space before it."""
    asked = next(str(turn["content"]) for turn in reversed(turns) if turn["role"] == "user")
    chance = random.Random(asked)
    return ["It", *(f" {chance.choice(_SAID)}{chance.randrange(1_000)}" for _ in range(chance.randint(*WORDS))), " [1]"]


_SAID = ("lag", "offset", "record", "topic", "leader", "replica", "segment", "consumer")
