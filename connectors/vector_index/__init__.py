"""Vector index: the nearest chunks to a vector. `open_vector_index` makes the one that ROXY_VECTOR_INDEX names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.vector_index.base import VectorIndex
from schemas.errors import InvalidSetting

if TYPE_CHECKING:
    from connectors.weaviate.chunks import WeaviateChunks


def open_vector_index(setting: str, dims: int, shared: WeaviateChunks | None = None) -> VectorIndex | None:
    """An empty index for vectors of so many dimensions, or the view of the shared one. None: there is none. Raises InvalidSetting."""
    if setting == "none":
        return None
    if setting == "usearch":
        from connectors.vector_index.usearch import UsearchIndex

        return UsearchIndex(dims)
    if setting == "weaviate" and shared is not None:
        from connectors.vector_index.weaviate import WeaviateVectorIndex

        return WeaviateVectorIndex(shared, dims)
    raise InvalidSetting(f"ROXY_VECTOR_INDEX names no vector index: {setting!r}.", remedy="Use usearch, weaviate or none.")
