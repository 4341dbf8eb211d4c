"""Moderator behind any endpoint that speaks OpenAI's `/moderations`, by the `openai` package. Asked for at ROXY_OPENAI_URL, with its key."""

from __future__ import annotations

import asyncio

import httpx2
from openai import APIError

from connectors.language_model.endpoint import endpoint_of, one_line
from connectors.openai.client import headers_left_out, opened
from schemas.errors import ModeratorUnavailable
from schemas.settings import Settings

_FLAGGED = "flagged"  # by an endpoint that names no category


class OpenAIModerator:
    """See connectors/moderator/base.py."""

    def __init__(self, model: str, settings: Settings) -> None:
        self.name = f"openai:{model}"
        self._model, self._timeout_s = model, settings.moderator_timeout_s
        endpoint = endpoint_of(self.name, settings)
        self._client, self._headers = opened(endpoint, settings.model_connect_s), headers_left_out(endpoint)

    async def categories(self, text: str) -> tuple[str, ...]:
        """Those that the endpoint says yes to, if it flags the text."""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.moderations.create(model=self._model, input=text, extra_headers=self._headers)
            found = [(result.flagged, result.categories.model_dump(by_alias=True)) for result in answer.results]
            if not found:
                raise ModeratorUnavailable(f"The moderator {self.name} answered with no result.")
            named = {category for flagged, categories in found if flagged for category, holds in categories.items() if holds}
            return tuple(sorted(named)) or ((_FLAGGED,) if any(flagged for flagged, _ in found) else ())
        except TimeoutError as error:
            raise ModeratorUnavailable(f"The moderator {self.name} was silent for {self._timeout_s:g} s.") from error
        except (APIError, httpx2.HTTPError, ValueError, AttributeError, TypeError) as error:  # the latter: what is no such answer
            raise ModeratorUnavailable(f"The moderator {self.name} failed: {one_line(str(error)) or type(error).__name__}.") from error
