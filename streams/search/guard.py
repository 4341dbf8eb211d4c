"""Guard: what stands between a search and each part that it asks: a time limit and a breaker.

After so many failures in a row a part is left alone for a while; then one question tries it, while the others go on without it. Whatever
a part raises counts as its failure, for a library that breaks is as good as one that is away; a question that is cancelled counts as nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from prometheus_client import Counter

from schemas.errors import Unavailable
from schemas.settings import Settings
from streams.breaker import Breaker
from streams.task import told_to_stop

T = TypeVar("T")

_FAILURES = Counter("roxy_search_failures", "Calls of a part of the search that failed or took too long.", ["part"])
_CHANGES = Counter("roxy_search_breaker_changes", "Changes of a breaker's state.", ["part", "state"])


class Guard:
    """Of one part."""

    def __init__(self, part: str, *, timeout_s: float, failures: int, reset_s: float) -> None:
        self._part, self._timeout_s = part, timeout_s
        self._breaker = Breaker(part, f"The {part} part", failures=failures, reset_s=reset_s, refusal=Unavailable, changes=_CHANGES)

    async def run(self, call: Callable[[], Awaitable[T]], *, by: float | None = None) -> T:
        """What the part answers, by the loop's time `by` if that comes before its own limit. Raises Unavailable."""
        now = asyncio.get_running_loop().time()
        until = now + self._timeout_s if by is None else min(by, now + self._timeout_s)
        if until <= now:  # those before it took all of the time
            raise Unavailable(f"There was no time left to ask the {self._part} part.")
        async with self._breaker.call():
            return await self._asked(call, until)

    async def _asked(self, call: Callable[[], Awaitable[T]], until: float) -> T:
        try:
            async with asyncio.timeout_at(until):
                return await call()
        except asyncio.CancelledError as error:
            if told_to_stop():
                raise
            raise self._failed("was cancelled") from error
        except TimeoutError as error:
            raise self._failed(f"took longer than {self._timeout_s:g} s") from error
        except Exception as error:
            raise self._failed(f"failed: {type(error).__name__}: {error}") from error

    def _failed(self, how: str) -> Unavailable:
        _FAILURES.labels(self._part).inc()
        return Unavailable(f"The {self._part} part {how}.")


class Guards:
    """Of all parts of a search."""

    def __init__(self, *, timeout_s: float = 2.0, failures: int = 3, reset_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self.embedder, self.vector, self.keyword, self.rerank = (
            Guard(part, timeout_s=timeout_s, failures=failures, reset_s=reset_s) for part in ("embedder", "vector", "keyword", "rerank")
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(timeout_s=settings.search_timeout_s, failures=settings.breaker_failures, reset_s=settings.breaker_reset_s)

    def deadline(self) -> float:
        """By when parts that are asked one after the other must have answered."""
        return asyncio.get_running_loop().time() + self._timeout_s
