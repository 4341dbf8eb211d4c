"""Language model behind any endpoint that speaks OpenAI's chat completions, by the `openai` package: OpenAI, vLLM, llama.cpp, Ollama, …

An answer that lost its worker begins again, unless ROXY_MODEL_RESUMES=prefix says that the endpoint goes on behind a last turn of the
model's own: vLLM and SGLang do with `continue_final_message`, which is sent then, Ollama does by itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from openai import APIConnectionError, APIError, APIStatusError

from connectors.language_model.base import Finish, Resumes
from connectors.language_model.endpoint import ServedModel, cut, endpoint_of, failed, refused, setting_of
from connectors.language_model.prompting import Asked
from connectors.openai.client import headers_left_out, opened
from schemas.answering_settings import Endpoint
from schemas.errors import ModelRefused, ModelUnavailable
from schemas.events import Usage
from schemas.settings import Settings

_CONTINUE = {"continue_final_message": True, "add_generation_prompt": False}


class OpenAIModel(ServedModel):
    """See connectors/language_model/base.py."""

    def __init__(self, name: str, settings: Settings) -> None:
        endpoint = endpoint_of(name, settings)
        resumes: Resumes = "prefix" if endpoint.resumes == "prefix" else "restart"
        length = _length(endpoint)
        super().__init__(name, settings, resumes=resumes, options=_options(settings, length), length=length)
        self._client = opened(endpoint, settings.model_connect_s)
        self._headers = headers_left_out(endpoint)

    async def _parts(self, asked: Asked, prefix: str) -> AsyncGenerator[str | Finish, None]:
        tokens, usage, reason = 0, None, None
        with self._own_errors():
            async with await self._asked(asked, prefix) as chunks:
                async for chunk in chunks:
                    for choice in chunk.choices:
                        tokens += bool(choice.delta.content)
                        yield choice.delta.content or ""
                        reason = choice.finish_reason or reason
                    if chunk.usage:
                        usage = Usage(prompt_tokens=chunk.usage.prompt_tokens, completion_tokens=chunk.usage.completion_tokens)
        if reason is None:
            raise cut(self.name)
        if reason == "content_filter":
            raise ModelRefused(f"The language model {self.name} stopped at its own content filter.", remedy="Ask otherwise.")
        yield Finish(usage or Usage(completion_tokens=tokens), "length" if reason == "length" else "stop", asked.text)

    async def _asked(self, asked: Asked, prefix: str) -> Any:
        turns: Any = asked.turns(prefix)
        return await self._client.chat.completions.create(
            model=self._model,
            messages=turns,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=self._headers,
            extra_body=_CONTINUE if prefix else None,
            **self._options_behind(prefix),
        )

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except APIStatusError as error:
            remedy = f"Check the name of the model in ROXY_LANGUAGE_MODEL, and the path of {setting_of(self.name)}: most end in /v1."
            raise refused(self.name, error.status_code, error.message, error.response.headers, remedy) from error
        except APIConnectionError as error:
            if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise ModelUnavailable(f"No server answers for {self.name}.", remedy=f"Check that it runs, and {setting_of(self.name)}.") from error
            raise cut(self.name) from error
        except (httpx2.RemoteProtocolError, httpx2.ReadError) as error:
            raise cut(self.name) from error
        except (APIError, httpx2.HTTPError, ValueError, AttributeError, TypeError) as error:  # the latter: data that is no part of an answer
            raise failed(self.name, error) from error


def _options(settings: Settings, length: str) -> dict[str, Any]:
    """By OpenAI's names. Models that want the newer one refuse a temperature as well, unless it is the one that they have."""
    usual = 0.0 if length == "max_tokens" else None
    temperature = usual if settings.model_temperature is None else settings.model_temperature
    options = {"temperature": temperature, length: settings.model_max_tokens, "seed": settings.model_seed}
    return {name: value for name, value in options.items() if value is not None}


def _length(endpoint: Endpoint) -> str:
    """Name of the longest answer's parameter: OpenAI's own models all take the newer one, other servers may know the older one only."""
    if endpoint.length != "auto":
        return endpoint.length
    return "max_completion_tokens" if urlsplit(endpoint.url).hostname == "api.openai.com" else "max_tokens"
