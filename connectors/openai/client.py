"""Client of an OpenAI-compatible endpoint, by the `openai` package: its address, key and proxies as the settings say, and nothing else.

Used by connectors/language_model/openai.py and connectors/moderator/openai.py.
"""

from __future__ import annotations

from typing import Any

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit, Timeout

from connectors.language_model.endpoint import address, is_local
from schemas.settings import Settings


def opened(settings: Settings) -> AsyncOpenAI:
    """A client that keeps no connection: one that the server has closed meanwhile would fail the next request. Tries again are the step's."""
    url = address(settings.openai_url, "ROXY_OPENAI_URL")
    none_kept = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return AsyncOpenAI(
        api_key=settings.openai_key.get_secret_value() if settings.openai_key else "none",
        base_url=url,
        max_retries=0,
        timeout=Timeout(None, connect=settings.model_connect_s),
        http_client=DefaultAsyncHttpxClient(limits=none_kept, trust_env=not is_local(url)),
    )


def headers_left_out(settings: Settings) -> dict[str, Any]:
    """Those that the package would make from the environment, and the key if there is none."""
    names = ["OpenAI-Organization", "OpenAI-Project", *([] if settings.openai_key else ["Authorization"])]
    return {name: Omit() for name in names}
