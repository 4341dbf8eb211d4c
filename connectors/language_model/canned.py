"""Canned language model: says one sentence, whatever is asked. What the platform itself answers, where no documents are needed.

Never set by ROXY_LANGUAGE_MODEL: streams/answering/brief.py takes it for courtesies, refusals, and answers that were given before, so that such
an answer is streamed, survives its worker, and is cancelled as any other.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

from connectors.language_model.base import Finish, Prompt, Resumes
from schemas.events import RetrievedChunk, Usage

_TOKEN = re.compile(r"\s*\S+")


class CannedModel:
    """See connectors/language_model/base.py."""

    name = "canned"
    resumes: Resumes = "rerun"
    converses = False
    worth_keeping = False
    template = None

    def __init__(self, text: str) -> None:
        self.parameters: dict[str, Any] = {}
        self._tokens = _TOKEN.findall(text)

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        """It reads nothing."""

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        """The sentence, word by word."""
        for token in self._tokens:
            yield token
        yield Finish(Usage(completion_tokens=len(self._tokens)))
