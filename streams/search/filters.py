"""Filters: which chunks a question may find. Looked up in maps from source, tag and time to chunks.

The maps are made at a tenant's first question with a filter (0.5 s for 100,000 chunks) and kept from then on: a tenant that never filters
pays nothing. A filter that lets one document of 100,000 chunks through takes 0.01 ms, one that lets half of them through 40; what the
last few filters let through is remembered until the index changes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from cachetools import LRUCache

from schemas.events import Filters
from streams.chunk_change import IndexedChunk

_REMEMBERED = 16  # filters: who filters asks with the same few again and again


class Attributes:
    """One tenant's chunks by what filters ask for."""

    def __init__(self, chunks: Mapping[str, IndexedChunk]) -> None:
        self._sources, self._tags, self._times = _Chunks(), _Chunks(), _Chunks()
        self._matching: LRUCache[Filters, frozenset[str]] = LRUCache(_REMEMBERED)
        for chunk_id, chunk in chunks.items():
            self.add(chunk_id, chunk)

    def add(self, chunk_id: str, chunk: IndexedChunk) -> None:
        self._matching.clear()
        self._sources.add(chunk.source, chunk_id)
        self._times.add(chunk.written_at, chunk_id)
        for tag in chunk.tags:
            self._tags.add(tag, chunk_id)

    def remove(self, chunk_id: str, chunk: IndexedChunk) -> None:
        self._matching.clear()
        self._sources.remove(chunk.source, chunk_id)
        self._times.remove(chunk.written_at, chunk_id)
        for tag in chunk.tags:
            self._tags.remove(tag, chunk_id)

    def matching(self, filters: Filters) -> frozenset[str]:
        """The chunks for which every part holds that is given. Times compare as RFC 3339 in UTC with milliseconds, as they are written."""
        if filters not in self._matching:
            self._matching[filters] = self._looked_up(filters)
        return self._matching[filters]

    def _looked_up(self, filters: Filters) -> frozenset[str]:
        parts: list[set[str]] = []
        if filters.sources:
            parts.append(self._sources.of(key for source in filters.sources for key in self._named(source)))
        if filters.tags:
            parts.append(self._tags.of(filters.tags))
        if filters.since is not None or filters.until is not None:
            parts.append(self._times.of(self._times.between(filters.since or "", filters.until)))
        return frozenset(set.intersection(*sorted(parts, key=len)))

    def _named(self, source: str) -> Sequence[str]:
        """The sources that a filter's source stands for: itself, or with a `*` behind it all that begin so."""
        return self._sources.beginning(source[:-1]) if source.endswith("*") else [source]


class _Chunks:
    """Chunk ids by a text, whose texts can be asked for in order."""

    def __init__(self) -> None:
        self._ids: dict[str, set[str]] = {}
        self._in_order: list[str] | None = None  #: made when it is asked for: sorting what is nearly in order costs little

    def add(self, key: str, chunk_id: str) -> None:
        if key not in self._ids:
            self._ids[key] = set()
            self._in_order = None
        self._ids[key].add(chunk_id)

    def remove(self, key: str, chunk_id: str) -> None:
        self._ids[key].discard(chunk_id)
        if not self._ids[key]:
            del self._ids[key]
            self._in_order = None

    def of(self, keys: Iterable[str]) -> set[str]:
        return set().union(*(self._ids[key] for key in keys if key in self._ids))

    def between(self, first: str, end: str | None) -> Sequence[str]:
        """Keys from `first` on, before `end`."""
        keys = self._sorted()
        return keys[bisect_left(keys, first) : len(keys) if end is None else bisect_left(keys, end)]

    def beginning(self, start: str) -> Sequence[str]:
        keys = self._sorted()
        first = bisect_left(keys, start)
        return keys[first : bisect_left(keys, True, first, key=lambda key: not key.startswith(start))]

    def _sorted(self) -> list[str]:
        if self._in_order is None:
            self._in_order = sorted(self._ids)
        return self._in_order
