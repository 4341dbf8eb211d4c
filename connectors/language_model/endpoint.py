"""Endpoint: what the models that ask a server share. Its address, how long each part of an answer may take, and what its refusals mean; and how
such a model answers, but for the words of its protocol.

Used by ollama.py and openai.py. Guarantees: a stream ends within its limits, and when it is closed or late, so is the connection; every
fault is an error of ours, ModelUnavailable for what may pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from connectors.language_model.base import Finish, Prompt, Resumes
from connectors.language_model.prompting import Asked, template
from connectors.tokenizer import open_tokenizer
from schemas.answering_settings import Endpoint
from schemas.errors import InvalidSetting, ModelRefused, ModelUnavailable, RoxyError
from schemas.events import RetrievedChunk
from schemas.settings import Settings

_PASSES = {408, 409, 425, 429}  # beside 5xx
_MOST_WORDS = 300  # characters of what a server says that go into an error

Part = TypeVar("Part")


class Limits(NamedTuple):
    """Seconds that may pass."""

    connect_s: float
    first_token_s: float  #: loading the model and reading the prompt included
    between_tokens_s: float
    total_s: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(settings.model_connect_s, settings.model_first_token_s, settings.model_between_tokens_s, settings.model_total_s)


class ServedModel:
    """A model on a server. See connectors/language_model/base.py."""

    converses = True
    worth_keeping = True

    def __init__(self, name: str, settings: Settings, *, resumes: Resumes, options: dict[str, Any], length: str) -> None:
        """`name`: backend:model, or backend@endpoint:model. `options`: how the model writes, by its protocol's names.

        `length`: the name of the one that says how long an answer may be.
        """
        self.name, self.resumes = name, resumes
        self.template = template(settings.prompt, settings.prompts_dir)
        self.parameters: dict[str, Any] = {**options, **self.template.parameters}
        self._model = name.partition(":")[2]
        self._limits = Limits.of(settings)
        self._options, self._length = options, length
        self._tokenizer = open_tokenizer(settings.tokenizer_file)

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        """The server reads them with the question."""

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        """See connectors/language_model/base.py. Raises ModelUnavailable, ModelRefused."""
        asked = self.template.asked(prompt)
        async with aclosing(in_time(self._parts(asked, prefix), self._limits, self.name)) as parts:
            async for part in parts:
                yield part

    def _options_behind(self, prefix: str) -> dict[str, Any]:
        """Servers count from where they go on: what is out already is taken off the longest answer. Of nothing at all none would be asked."""
        if not prefix:
            return self._options
        left = self._options[self._length] - self._tokenizer.count(prefix)
        return {**self._options, self._length: max(1, left)}

    def _parts(self, asked: Asked, prefix: str) -> AsyncGenerator[str | Finish, None]:
        """What the server says, as it comes, empty where it is no part of the answer; its faults as errors of ours."""
        raise NotImplementedError


async def in_time(parts: AsyncGenerator[Part, None], limits: Limits, name: str) -> AsyncGenerator[Part, None]:
    """The same parts without empty ones, which only say that the server is at work, as while its model thinks.

    Raises ModelUnavailable for one that is late, and closes the stream.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + limits.total_s
    limit, silent = limits.first_token_s, "before its first token"
    async with aclosing(parts):
        while True:
            left = end - clock()
            try:
                async with asyncio.timeout(min(limit, left)):
                    part = await anext(parts, None)
            except TimeoutError as error:
                what = f"was silent for {limit:g} s {silent}" if limit <= left else f"took longer than {limits.total_s:g} s"
                raise ModelUnavailable(f"The language model {name} {what}.") from error
            if part is None:
                return
            if not part:
                continue
            yield part
            limit, silent = limits.between_tokens_s, "between two tokens"


def endpoint_of(model: str, settings: Settings) -> Endpoint:
    """Where `backend:model` is asked; `backend@name:model` at the endpoint of that name. Raises InvalidSetting."""
    backend, at, name = model.partition(":")[0].partition("@")
    if at and name not in settings.endpoints:
        there = ", ".join(settings.endpoints) or "none"
        raise InvalidSetting(f"There is no endpoint {name!r}, which {model} names.", remedy=f"Give its url in ROXY_ENDPOINTS; there are: {there}.")
    found = settings.endpoints[name] if at else _unnamed(backend, settings)
    return found.model_copy(update={"url": address(found.url, setting_of(model))})


def _unnamed(backend: str, settings: Settings) -> Endpoint:
    url, key = (settings.ollama_url, settings.ollama_key) if backend == "ollama" else (settings.openai_url, settings.openai_key)
    return Endpoint(url=url, key=key, resumes=settings.model_resumes, length=settings.openai_length)


def setting_of(model: str) -> str:
    """By which setting a model's address is given."""
    backend, at, name = model.partition(":")[0].partition("@")
    return f"ROXY_ENDPOINTS, {name}" if at else f"ROXY_{backend.upper()}_URL"


def address(value: str, setting: str) -> str:
    """The URL without a slash at its end. Raises InvalidSetting."""
    if not _is_address(value):
        raise InvalidSetting(f"{setting} is no address: {value!r}.", remedy="Write it as http://host:port.")
    return value.rstrip("/")


def _is_address(value: str) -> bool:
    try:
        url = urlsplit(value)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # of brackets that do not close, or a port that is no number
        return False


def is_local(url: str) -> bool:
    """Whether it is on this machine: no proxy of the environment's leads there."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def refused(name: str, status: int, words: str, headers: Mapping[str, str], remedy: str) -> RoxyError:
    """The error for an HTTP status: one that may pass, or one that somebody has to mend. `remedy`: where no model is found."""
    said = one_line(words)
    if status in _PASSES or status >= 500:
        return ModelUnavailable(f"The language model {name} answered HTTP {status}: {said}.", retry_after_s=_retry_after_s(headers))
    known = {401: "Check its key.", 403: "Check its key, and what that key may use.", 404: remedy}
    return ModelRefused(f"The language model {name} refused the request with HTTP {status}: {said}.", remedy=known.get(status, ""))


def cut(name: str) -> ModelUnavailable:
    """A stream that ended without saying so."""
    return ModelUnavailable(f"The language model {name} broke off its answer.")


def failed(name: str, error: BaseException) -> ModelUnavailable:
    """What went wrong on the way, or was no answer at all."""
    return ModelUnavailable(f"The language model {name} failed: {one_line(str(error)) or type(error).__name__}.")


def one_line(words: str) -> str:
    return " ".join(words.split())[:_MOST_WORDS].rstrip(".")


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """`Retry-After`, in seconds or as a date; 0 if there is none, or none that can be read."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
