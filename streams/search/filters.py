"""Filters: which chunks a question may find. Pure."""

from __future__ import annotations

from schemas.events import Filters
from streams.chunk_change import IndexedChunk


def admits(filters: Filters, chunk: IndexedChunk) -> bool:
    """Whether every part that is given holds. Times compare as RFC 3339 in UTC with milliseconds, as they are written."""
    return (
        _has_source(filters.sources, chunk.source)
        and (not filters.tags or not set(filters.tags).isdisjoint(chunk.tags))
        and (filters.since is None or chunk.written_at >= filters.since)
        and (filters.until is None or chunk.written_at < filters.until)
    )


def _has_source(sources: tuple[str, ...], source: str) -> bool:
    return not sources or any(source.startswith(one[:-1]) if one.endswith("*") else source == one for one in sources)
