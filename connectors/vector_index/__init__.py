"""Vector index: the nearest chunks to a vector. `open_vector_index` makes the one that ROXY_VECTOR_INDEX names."""

from __future__ import annotations

from connectors.vector_index.base import VectorIndex
from schemas.errors import InvalidSetting


def open_vector_index(setting: str, dims: int) -> VectorIndex | None:
    """An empty index for vectors of so many dimensions. None: there is none. Raises InvalidSetting."""
    if setting == "none":
        return None
    if setting != "usearch":
        raise InvalidSetting(f"ROXY_VECTOR_INDEX names no vector index: {setting!r}.", remedy="Use usearch or none.")
    from connectors.vector_index.usearch import UsearchIndex

    return UsearchIndex(dims)
