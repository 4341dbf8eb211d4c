"""Scripted language model: waits, speaks and fails as it is told. For tests and benches; `ROXY_LANGUAGE_MODEL=scripted:<JSON>`.

It costs nothing but time: `asyncio.sleep`, so that thousands can speak at once.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.language_model.base import Finish, Prompt, Resumes
from connectors.language_model.prompting import Template
from schemas.errors import InvalidSetting, ModelUnavailable
from schemas.events import RetrievedChunk, Usage

_TOKEN = re.compile(r"\s*\S+")


class Script(BaseModel):
    """What the model is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""  #: what it says; empty: `tokens` numbered words
    tokens: int = Field(20, ge=1)  #: how many words, if there is no text
    delay_s: float = Field(0.0, ge=0)  #: before the first token
    per_token_s: float = Field(0.0, ge=0)  #: before each later token
    fail_times: int = Field(0, ge=0)  #: how many of its first runs fail
    fail_after: int | None = Field(None, ge=0)  #: tokens that a failing run still says; null: it fails before the delay
    resumes: Resumes = "rerun"
    converses: bool = False  #: and is asked in words then, which its Finish holds
    clock: bool = False  #: each word is the moment at which it is said, in nanoseconds since 1970: for benches


class ScriptedModel:
    """See connectors/language_model/base.py. It cites the first chunk, if there is one."""

    worth_keeping = True

    def __init__(self, script: Script, words: Template | None = None) -> None:
        self.name = "scripted"
        self.template = words if script.converses else None
        self.parameters: dict[str, Any] = {**script.model_dump(exclude_defaults=True), **(self.template.parameters if self.template else {})}
        self.resumes: Resumes = script.resumes
        self.converses = script.converses
        self._script = script
        self._failures_left = script.fail_times

    @classmethod
    def from_json(cls, text: str, words: Template | None = None) -> Self:
        """The model of a script in JSON; empty: of the default one. Raises InvalidSetting."""
        try:
            return cls(Script.model_validate_json(text or "{}"), words)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"])) or "script"
            raise InvalidSetting(f"The script of ROXY_LANGUAGE_MODEL is not valid: {where}: {problem['msg']}.") from error

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        """It reads nothing."""

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        """The script's words, those of `prefix` left out if the model resumes by prefix. Raises ModelUnavailable as scripted."""
        fails = self._failures_left > 0
        self._failures_left -= fails
        if fails and self._script.fail_after is None:
            raise ModelUnavailable("The scripted model fails, as it was told to.")
        tokens, begun = self._tokens(prompt, prefix), asyncio.get_running_loop().time()
        await asyncio.sleep(self._script.delay_s)
        for place, token in enumerate(tokens):
            if fails and place == self._script.fail_after:
                raise ModelUnavailable(f"The scripted model fails after {place} tokens, as it was told to.")
            if place:
                await self._until(begun + self._script.delay_s + place * self._script.per_token_s)
            yield f"{time.time_ns()} " if self._script.clock else token
        asked = self.template.asked(prompt).text if self.template else None
        yield Finish(Usage(prompt_tokens=len((asked or prompt.question).split()), completion_tokens=len(tokens)), prompt=asked)

    async def _until(self, due: float) -> None:
        """At its own pace, as a server has one: who listens late does not slow it down."""
        await asyncio.sleep(due - asyncio.get_running_loop().time() if self._script.per_token_s else 0)

    def _tokens(self, prompt: Prompt, prefix: str) -> list[str]:
        said = self._script.text or " ".join(f"word{number}" for number in range(1, self._script.tokens + 1))
        text = f"{said} [1]" if prompt.chunks else said
        return _TOKEN.findall(text.removeprefix(prefix) if self.resumes == "prefix" else text)
