"""Shared indexes for the contract suites: one that nobody else uses, on the real server."""

from __future__ import annotations

import uuid
from contextlib import AsyncExitStack

from connectors.shared_index import open_shared_index
from connectors.weaviate.chunks import WeaviateChunks
from schemas.settings import Settings


def an_empty_one(server: Settings, stack: AsyncExitStack, dims: int = 0, *, embedder: str | None = None) -> WeaviateChunks:
    """For an embedder of its own, else the one that others of that embedder see too. Its generations go with the server."""
    shared = open_shared_index(server, embedder=embedder or f"test-{uuid.uuid4().hex}", dims=dims)
    assert shared is not None
    stack.push_async_callback(shared.close)
    return shared
