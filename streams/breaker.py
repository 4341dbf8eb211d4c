"""Breaker (purgatory): what fails several times in a row is left alone for a while; then one call tries it, while the others do without.

Used by streams/search/guard.py for the parts of a search and by streams/answering/guarded_model.py for language models. Guarantees: a call
that is told to stop counts as nothing, and another one may try then; what was refused says when it may come back.
Purgatory measures by the wall clock: a clock that is set back by an hour leaves an open breaker open for that hour.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from prometheus_client import Counter
from purgatory import AsyncCircuitBreakerFactory, ContextChanged
from purgatory.domain.model import OpenedState
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker

from schemas.errors import Unavailable
from streams.task import told_to_stop

_A_BIT_S = 0.01  # behind the moment at which purgatory lets somebody try

log = structlog.get_logger(__name__)


class Call:
    """One that was let through."""

    def __init__(self, breaker: AsyncCircuitBreaker) -> None:
        self._breaker = breaker
        self.tries = breaker.context.state == "half-opened"  #: it is the one that tries

    async def works(self) -> None:
        """The first sign that what was left alone is back: the others need not wait for this call's end."""
        if self.tries:
            await self.ended(None)

    async def ended(self, error: BaseException | None) -> None:
        self.tries = False
        await self._breaker.__aexit__(type(error) if error else None, error, None)


class Breaker:
    """Of one part, or one model. `what`: its name in a sentence; `refusal`: what is raised while it is left alone."""

    def __init__(self, label: str, what: str, *, failures: int, reset_s: float, refusal: type[Unavailable], changes: Counter) -> None:
        self._label, self._what, self._refusal, self._changes = label, what, refusal, changes
        self._reset_s = reset_s
        self._breakers = AsyncCircuitBreakerFactory(failures, reset_s)
        self._breakers.add_listener(self._note)
        self._breaker: AsyncCircuitBreaker | None = None  # purgatory makes it in a coroutine
        self._trying: Call | None = None

    @property
    def left_s(self) -> float:
        """Seconds until somebody may try again what is left alone; 0 if it is not."""
        if self._breaker is None or self._breaker.context.state != "opened":
            return 0.0
        return max(0.0, (self._breaker.context.opened_at or 0.0) + self._reset_s - time.time()) + _A_BIT_S

    @asynccontextmanager
    async def call(self, *, answers: tuple[type[Exception], ...] = ()) -> AsyncIterator[Call]:
        """Round a call. `answers`: errors that are as good as an answer. Raises the refusal."""
        call = await self._admitted()
        try:
            yield call
        except answers:
            await call.ended(None)
            raise
        except BaseException as error:
            if not (isinstance(error, GeneratorExit) or told_to_stop()):
                await call.ended(error)
            raise
        else:
            await call.ended(None)
        finally:
            if self._trying is call:
                self._trying = None

    async def _admitted(self) -> Call:
        breaker = self._breaker = self._breaker or await self._breakers.get_breaker(self._label)
        if self._trying is not None and self._trying.tries:  # purgatory would let all of them try
            raise self._refusal(f"{self._what} failed a moment ago and is being tried again.", retry_after_s=self._reset_s)
        try:
            await breaker.__aenter__()
        except OpenedState as error:
            left_alone = f"{self._what} has failed several times and is left alone for a moment."
            raise self._refusal(left_alone, retry_after_s=self.left_s) from error
        call = Call(breaker)
        if call.tries:
            self._trying = call
        return call

    def _note(self, label: str, kind: str, event: Any) -> None:
        if isinstance(event, ContextChanged):
            self._changes.labels(label, event.state).inc()
            log.warning("breaker changed", part=label, state=event.state)
