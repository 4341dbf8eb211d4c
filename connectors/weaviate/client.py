"""A connection to Weaviate that comes back by itself, with a limit to every call, and its errors as ours.

Used by connectors/weaviate/collections.py and chunks.py. Guarantees: opening it waits for nothing; a call ends within its time, or raises
IndexUnavailable; once the server answers again, so do the calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from schemas.errors import IndexUnavailable, InvalidSetting, MissingExtra
from schemas.settings import Settings

if TYPE_CHECKING:
    from weaviate import WeaviateAsyncClient

_CONNECT_S = 2.0
_RECONNECT_MS = 500  # gRPC would wait up to two minutes before it looks for a server that was away

Found = TypeVar("Found")


class WeaviateClient:
    """Calls to one server. It connects with the first."""

    def __init__(self, settings: Settings) -> None:
        if find_spec("weaviate") is None:
            raise MissingExtra("Weaviate needs the package weaviate-client.", remedy="Install roxy[weaviate], or use the embedded indexes.")
        self._settings = settings
        self._client: WeaviateAsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def call(self, what: str, work: Callable[[WeaviateAsyncClient], Awaitable[Found]], timeout_s: float) -> Found:
        """What the work returns. Raises IndexUnavailable if it fails or takes longer."""
        from grpc import RpcError
        from httpx import HTTPError
        from weaviate.exceptions import WeaviateBaseError

        try:
            async with asyncio.timeout(timeout_s):
                return await work(await self._connected())
        except TimeoutError as error:
            raise IndexUnavailable(f"Weaviate took longer than {timeout_s:g} s to {what}.") from error
        except (WeaviateBaseError, HTTPError, RpcError, OSError) as error:
            raise IndexUnavailable(f"Weaviate could not {what}: {_one_line(error)}.") from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _connected(self) -> WeaviateAsyncClient:
        async with self._connecting:
            if self._client is None:
                client = _client(self._settings)
                try:
                    await client.connect()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
        return self._client


def _client(settings: Settings) -> WeaviateAsyncClient:
    from weaviate import use_async_with_custom
    from weaviate.classes.init import AdditionalConfig, Auth, Timeout
    from weaviate.config import GrpcConfig

    url = urlsplit(settings.weaviate_url or f"http://127.0.0.1:{settings.weaviate_port}")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise InvalidSetting(f"ROXY_WEAVIATE_URL is no address: {settings.weaviate_url!r}.", remedy="Write it as http://host:port.")
    secure = url.scheme == "https"
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)  # it logs whole objects; what fails is raised
    return use_async_with_custom(
        http_host=url.hostname,
        http_port=url.port or (443 if secure else 80),
        http_secure=secure,
        grpc_host=url.hostname,
        grpc_port=settings.weaviate_grpc_port,
        grpc_secure=secure,
        auth_credentials=Auth.api_key(settings.weaviate_key.get_secret_value()) if settings.weaviate_key else None,
        skip_init_checks=True,
        additional_config=AdditionalConfig(
            timeout=Timeout(init=_CONNECT_S, query=60, insert=60),  # `call` has the shorter ones
            trust_env=False,
            grpc_config=GrpcConfig(channel_options=[("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", _RECONNECT_MS)]),
        ),
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
