"""Guard: what stands between a search and each part that it asks: a time limit and a breaker (purgatory).

After so many failures in a row a part is left alone for a while; then one question tries it, while the others go on without it. Whatever
a part raises counts as its failure, for a library that breaks is as good as one that is away; a question that is cancelled counts as nothing.
Purgatory measures by the wall clock: a clock that is set back by an hour leaves an open breaker open for that hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import structlog
from prometheus_client import Counter
from purgatory import AsyncCircuitBreakerFactory, ContextChanged
from purgatory.domain.model import OpenedState
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker

from schemas.errors import Unavailable
from schemas.settings import Settings

T = TypeVar("T")

_FAILURES = Counter("roxy_search_failures", "Calls of a part of the search that failed or took too long.", ["part"])
_CHANGES = Counter("roxy_search_breaker_changes", "Changes of a breaker's state.", ["part", "state"])

log = structlog.get_logger(__name__)


class Guard:
    """Of one part."""

    def __init__(self, part: str, *, timeout_s: float, failures: int, reset_s: float) -> None:
        self._part, self._timeout_s = part, timeout_s
        passing = [(error, self._is_nobodys_fault) for error in (asyncio.CancelledError, GeneratorExit)]
        self._breakers = AsyncCircuitBreakerFactory(failures, reset_s, exclude=[*passing])
        self._breakers.add_listener(_note)
        self._breaker: AsyncCircuitBreaker | None = None  # purgatory makes it in a coroutine

    async def run(self, call: Callable[[], Awaitable[T]], *, by: float | None = None) -> T:
        """What the part answers, by the loop's time `by` if that comes before its own limit. Raises Unavailable."""
        now = asyncio.get_running_loop().time()
        until = now + self._timeout_s if by is None else min(by, now + self._timeout_s)
        if until <= now:  # those before it took all of the time
            raise Unavailable(f"There was no time left to ask the {self._part} part.")
        breaker = self._breaker = self._breaker or await self._breakers.get_breaker(self._part)
        if breaker.context.state == "half-opened":  # purgatory would let all of them try
            raise Unavailable(f"The {self._part} part failed a moment ago and is being tried again.")
        try:
            async with breaker, asyncio.timeout_at(until):
                return await call()
        except OpenedState as error:
            raise Unavailable(f"The {self._part} part has failed several times and is left alone for a moment.") from error
        except asyncio.CancelledError as error:
            if _told_to_stop():
                raise
            raise self._failed("was cancelled") from error
        except TimeoutError as error:
            raise self._failed(f"took longer than {self._timeout_s:g} s") from error
        except Exception as error:
            raise self._failed(f"failed: {type(error).__name__}: {error}") from error

    def _failed(self, how: str) -> Unavailable:
        _FAILURES.labels(self._part).inc()
        return Unavailable(f"The {self._part} part {how}.")

    def _is_nobodys_fault(self, error: BaseException) -> bool:
        """A cancelled question says nothing of the part. Not so if it was the one that tried it: taken for no failure, it would close the breaker."""
        trying = self._breaker is not None and self._breaker.context.state == "half-opened"
        return not trying and (isinstance(error, GeneratorExit) or _told_to_stop())


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


def _note(part: str, kind: str, event: Any) -> None:
    if isinstance(event, ContextChanged):
        _CHANGES.labels(part, event.state).inc()
        log.warning("breaker changed", part=part, state=event.state)


def _told_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
