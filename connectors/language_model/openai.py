"""Language model behind any endpoint that speaks OpenAI's chat completions, by the `openai` package: OpenAI, vLLM, llama.cpp, Ollama, …

An answer that lost its worker begins again, unless ROXY_MODEL_RESUMES=prefix says that the endpoint goes on behind a last turn of the
model's own: vLLM and SGLang do with `continue_final_message`, which is sent then, Ollama does by itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from openai import APIConnectionError, APIError, APIStatusError

from connectors.language_model.base import Finish, Resumes
from connectors.language_model.endpoint import ServedModel, cut, failed, refused
from connectors.language_model.prompting import Asked
from connectors.openai.client import headers_left_out, opened
from schemas.errors import ModelRefused, ModelUnavailable
from schemas.events import Usage
from schemas.settings import Settings

_CONTINUE = {"continue_final_message": True, "add_generation_prompt": False}


class OpenAIModel(ServedModel):
    """See connectors/language_model/base.py."""

    def __init__(self, model: str, settings: Settings) -> None:
        resumes: Resumes = "prefix" if settings.model_resumes == "prefix" else "restart"
        super().__init__(f"openai:{model}", settings, resumes=resumes, options=_options(settings))
        self._client = opened(settings)
        self._headers = headers_left_out(settings)

    async def _parts(self, asked: Asked, prefix: str) -> AsyncGenerator[str | Finish, None]:
        usage, reason = Usage(), None
        with self._own_errors():
            async with await self._asked(asked, prefix) as chunks:
                async for chunk in chunks:
                    for choice in chunk.choices:
                        if choice.delta.content:
                            usage = usage.model_copy(update={"completion_tokens": usage.completion_tokens + 1})
                            yield choice.delta.content
                        reason = choice.finish_reason or reason
                    if chunk.usage:
                        usage = Usage(prompt_tokens=chunk.usage.prompt_tokens, completion_tokens=chunk.usage.completion_tokens)
        if reason is None:
            raise cut(self.name)
        if reason == "content_filter":
            raise ModelRefused(f"The language model {self.name} stopped at its own content filter.", remedy="Ask otherwise.")
        yield Finish(usage, "length" if reason == "length" else "stop", asked.text)

    async def _asked(self, asked: Asked, prefix: str) -> Any:
        turns: Any = asked.turns(prefix)
        return await self._client.chat.completions.create(
            model=self._model,
            messages=turns,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=self._headers,
            extra_body=_CONTINUE if prefix else None,
            **self._options,
        )

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except APIStatusError as error:
            remedy = "Check the name of the model in ROXY_LANGUAGE_MODEL, and the path of ROXY_OPENAI_URL: most end in /v1."
            raise refused(self.name, error.status_code, error.message, error.response.headers, remedy) from error
        except APIConnectionError as error:
            if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise ModelUnavailable(f"No server answers for {self.name}.", remedy="Check that it runs, and ROXY_OPENAI_URL.") from error
            raise cut(self.name) from error
        except (httpx2.RemoteProtocolError, httpx2.ReadError) as error:
            raise cut(self.name) from error
        except (APIError, httpx2.HTTPError, ValueError, AttributeError, TypeError) as error:  # the latter: data that is no part of an answer
            raise failed(self.name, error) from error


def _options(settings: Settings) -> dict[str, Any]:
    """By OpenAI's names."""
    options = {"temperature": settings.model_temperature, "max_tokens": settings.model_max_tokens}
    return options if settings.model_seed is None else {**options, "seed": settings.model_seed}
