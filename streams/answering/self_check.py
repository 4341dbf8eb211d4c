"""Self-check: a language model that reads its own draft once more against the documents before anybody sees it.

One round of what Madaan et al. call self-refine ("Self-Refine: Iterative Refinement with Self-Feedback", NeurIPS 2023, arXiv 2303.17651),
with feedback and mending in one request. The draft is not streamed, so the first token comes as late as a whole answer, and the answer costs twice.
The draft goes in place of the question, so whatever model writes answers can check one. What is too short to hold a claim, or says
that there is no answer, goes out as it is; and so does a draft that is too long to be shown with all documents, for a check against some
of them would take out what the others hold. Both together may take as long as one answer may: who is late has failed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from math import inf
from string import Template as Text
from typing import Any, NamedTuple

from connectors.language_model.base import Finish, LanguageModel, Prompt, Resumes
from connectors.language_model.endpoint import Limits, in_time
from connectors.language_model.extractive import NO_ANSWER
from schemas.errors import InvalidQuery
from schemas.events import RetrievedChunk, Usage
from schemas.settings import Settings
from streams.answering.budget import within
from streams.answering.conversation import Told
from streams.answering.speaker import Speaker

_CHECK = "check.v1"
_FEWEST_WORDS = 5
_SAYS_WHAT_IS_THERE = ("extractive", "canned")  # models that invent nothing


def checked(speakers: tuple[Speaker, ...], settings: Settings) -> tuple[Speaker, ...]:
    """The same speakers, each checking itself, by ROXY_SELF_CHECK."""
    if not settings.self_check:
        return speakers
    return tuple(
        speaker if speaker.model.name in _SAYS_WHAT_IS_THERE else speaker._replace(model=SelfChecked(speaker.model, settings)) for speaker in speakers
    )


class SelfChecked:
    """See connectors/language_model/base.py."""

    resumes: Resumes = "restart"  # the draft is gone with its worker

    def __init__(self, model: LanguageModel, settings: Settings) -> None:
        self._model, self._settings = model, settings
        self.name, self.converses, self.worth_keeping, self.template = model.name, model.converses, model.worth_keeping, model.template
        self.parameters: dict[str, Any] = {**model.parameters, **_words().parameters}

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        await self._model.read_ahead(chunks)

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        """The mended answer, as it is written; its Finish counts both. Raises ModelUnavailable if both together are late."""
        limits = Limits(inf, inf, inf, self._settings.model_total_s)
        async with aclosing(in_time(self._drafted_and_mended(prompt), limits, self.name)) as parts:
            async for part in parts:
                yield part

    async def _drafted_and_mended(self, prompt: Prompt) -> AsyncGenerator[str | Finish, None]:
        """Of the draft, an empty part for each of its tokens: nobody sees it, but it was paid for."""
        tokens, drafted = list[str](), Finish(Usage())
        async with aclosing(self._model.stream(prompt)) as draft:
            async for part in draft:
                if isinstance(part, Finish):
                    drafted = part
                else:
                    tokens.append(part)
                    yield ""
        asked = self._to_be_mended(prompt, "".join(tokens).strip())
        if asked is None:
            for token in tokens:
                yield token
            yield drafted
            return
        async with aclosing(self._model.stream(asked)) as mended:
            async for part in mended:
                yield _both(drafted, part) if isinstance(part, Finish) else part

    def _to_be_mended(self, prompt: Prompt, draft: str) -> Prompt | None:
        """What the model is asked the second time; the conversation gives way to the draft. None: the draft is the answer."""
        if NO_ANSWER in draft or len(draft.split()) < _FEWEST_WORDS:
            return None
        said = Told(tuple(("", turn) for turn in prompt.turns), tuple(("", line) for line in prompt.summary.splitlines()))
        try:
            asked = within(prompt._replace(question=_words().of(prompt.question, draft)), said, self.template, self._settings).prompt
        except InvalidQuery:
            return None
        return asked if asked.chunks == prompt.chunks else None


class _Words(NamedTuple):
    """The template, read."""

    text: Text
    parameters: dict[str, str]

    def of(self, question: str, draft: str) -> str:
        return self.text.substitute(question=question, draft=draft)


@cache
def _words() -> _Words:
    text = (files("streams.answering") / f"{_CHECK}.md").read_text(encoding="utf-8")
    return _Words(Text(text.strip()), {"check": _CHECK, "check_hash": blake2b(text.encode(), digest_size=8).hexdigest()})


def _both(draft: Finish, mended: Finish) -> Finish:
    """One end of two streams."""
    usage = Usage(
        prompt_tokens=draft.usage.prompt_tokens + mended.usage.prompt_tokens,
        completion_tokens=draft.usage.completion_tokens + mended.usage.completion_tokens,
    )
    return mended._replace(usage=usage, checked=True)
