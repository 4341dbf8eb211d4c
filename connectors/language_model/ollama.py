"""Language model on an Ollama server, by the `ollama` package.

An answer that lost its worker goes on by prefix: of a chat that ends in the model's own turn, Ollama writes the template up to there and
the model continues (tried with 0.6.5). A model whose template closes that turn cannot; for it, set ROXY_MODEL_RESUMES=restart.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import httpx
from ollama import AsyncClient, ChatResponse, ResponseError
from pydantic import SecretStr

from connectors.language_model.base import Finish, Resumes
from connectors.language_model.endpoint import ServedModel, cut, endpoint_of, failed, is_local, refused, setting_of
from connectors.language_model.prompting import Asked
from schemas.answering_settings import Endpoint
from schemas.errors import ModelUnavailable
from schemas.events import Usage
from schemas.settings import Settings


class OllamaModel(ServedModel):
    """See connectors/language_model/base.py."""

    def __init__(self, name: str, settings: Settings) -> None:
        endpoint = endpoint_of(name, settings)
        resumes: Resumes = "restart" if endpoint.resumes == "restart" else "prefix"
        super().__init__(name, settings, resumes=resumes, options=_options(settings), length="num_predict")
        self._client = self._opened(endpoint)

    async def _parts(self, asked: Asked, prefix: str) -> AsyncGenerator[str | Finish, None]:
        with self._own_errors():
            answer = await self._client.chat(self._model, asked.turns(prefix), stream=True, options=self._options_behind(prefix))
            async with aclosing(answer) as parts:  # type: ignore[type-var] # it is a generator, and closing it ends the request
                async for part in parts:
                    yield part.message.content or ""
                    if part.done:
                        yield _finish(part, asked)
                        return
        raise cut(self.name)

    def _opened(self, endpoint: Endpoint) -> AsyncClient:
        """A client that keeps no connection: one that the server has closed meanwhile would fail the next answer."""
        return AsyncClient(
            endpoint.url,
            timeout=httpx.Timeout(None, connect=self._limits.connect_s),
            auth=_Key(endpoint.key),
            trust_env=not is_local(endpoint.url),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            event_hooks={"response": [self._look]},
        )

    async def _look(self, response: httpx.Response) -> None:
        """Before the package does: its own error has no headers, and so no Retry-After."""
        if response.status_code != httpx.codes.OK:
            await response.aread()
            remedy = f"Fetch it with `ollama pull {self._model}`, or name another in ROXY_LANGUAGE_MODEL."
            raise refused(self.name, response.status_code, response.text, response.headers, remedy)

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ModelUnavailable(f"No Ollama answers for {self.name}.", remedy=f"Start `ollama serve`, or set {setting_of(self.name)}.") from error
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise cut(self.name) from error
        except (ResponseError, httpx.HTTPError, ValueError, AttributeError, TypeError) as error:  # the latter: a line that is no part of an answer
            raise failed(self.name, error) from error


class _Key(httpx.Auth):
    """The key that we were given, or none: the package would take one from the environment."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.pop("Authorization", None)
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


def _options(settings: Settings) -> dict[str, Any]:
    """By Ollama's names. Without num_ctx the server cuts what is longer than its own default off the prompt, and says nothing."""
    options = {"temperature": settings.model_temperature or 0.0, "num_predict": settings.model_max_tokens, "num_ctx": settings.ollama_context}
    return options if settings.model_seed is None else {**options, "seed": settings.model_seed}


def _finish(part: ChatResponse, asked: Asked) -> Finish:
    usage = Usage(prompt_tokens=part.prompt_eval_count or 0, completion_tokens=part.eval_count or 0)
    return Finish(usage, "length" if part.done_reason == "length" else "stop", asked.text)
