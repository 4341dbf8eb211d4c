"""Port: shared index. Backend: weaviate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.settings import Settings

if TYPE_CHECKING:
    from connectors.weaviate.chunks import WeaviateChunks


def open_shared_index(settings: Settings, *, embedder: str, dims: int | None) -> WeaviateChunks | None:
    """The index that both workers and views share, if a part of the index is to lie on a server; waits for no server. Raises MissingExtra."""
    if "weaviate" not in (settings.vector_index, settings.keyword_index):
        return None
    from connectors.weaviate.chunks import WeaviateChunks
    from connectors.weaviate.client import WeaviateClient

    return WeaviateChunks(WeaviateClient(settings), embedder=embedder, dims=dims, search_timeout_s=settings.search_timeout_s)
