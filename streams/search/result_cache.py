"""Result cache: what was found stands for as long as the index does. Asked by streams/retrieval.py before a question is even embedded.

The key holds all that a result depends on: who asks for what, how it is searched for, what the index knew, and which votes count. A chunk that
comes or goes moves the index's position, so that older results are not met again; time and number bound what is kept. Nothing degraded is kept.
"""

from __future__ import annotations

from collections.abc import Hashable

from cachetools import TTLCache
from prometheus_client import Counter

from schemas.events import IndexPosition, KnownVotes
from streams.search.lookup import Found, Lookup
from streams.search.plan import Plan

_MOST = 1_000  # results: about 10 KiB each
_ASKED = Counter("roxy_search_cache", "Questions that the cache of results was asked for, by outcome.", ["outcome"])


class ResultCache:
    """Results by question, plan and position."""

    def __init__(self, seconds: float) -> None:
        self._results: TTLCache[Hashable, Found] = TTLCache(_MOST, seconds)

    def get(self, lookup: Lookup, plan: Plan, position: IndexPosition, votes: KnownVotes | None = None) -> Found | None:
        found = self._results.get(_key(lookup, plan, position, votes))
        _ASKED.labels("miss" if found is None else "hit").inc()
        return found

    def put(self, lookup: Lookup, plan: Plan, found: Found, now: IndexPosition) -> None:
        """Keep it, unless parts were missing, or the index went on while it was searched: then it knew more than its position says."""
        if not found.degraded and found.position == now:
            self._results[_key(lookup, plan, found.position, found.votes)] = found


def _key(lookup: Lookup, plan: Plan, position: IndexPosition, votes: KnownVotes | None) -> Hashable:
    return lookup, plan, position.index, position.generation, tuple(position.offsets.items()), votes.digest if votes else None
