"""Client of an OpenAI-compatible endpoint, by the `openai` package: its address, key and proxies as the settings say, and nothing else.

Used by connectors/language_model/openai.py and connectors/moderator/openai.py.
"""

from __future__ import annotations

from typing import Any

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit, Timeout

from connectors.language_model.endpoint import is_local
from schemas.answering_settings import Endpoint


def opened(endpoint: Endpoint, connect_s: float) -> AsyncOpenAI:
    """A client that keeps no connection: one that the server has closed meanwhile would fail the next request. Tries again are the step's."""
    none_kept = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return AsyncOpenAI(
        api_key=endpoint.key.get_secret_value() if endpoint.key else "none",
        base_url=endpoint.url,
        max_retries=0,
        timeout=Timeout(None, connect=connect_s),
        http_client=DefaultAsyncHttpxClient(limits=none_kept, trust_env=not is_local(endpoint.url)),
    )


def headers_left_out(endpoint: Endpoint) -> dict[str, Any]:
    """Those that the package would make from the environment, and the key if there is none."""
    names = ["OpenAI-Organization", "OpenAI-Project", *([] if endpoint.key else ["Authorization"])]
    return {name: Omit() for name in names}
