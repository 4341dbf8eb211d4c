"""Who is let in: what a process cannot get done in time it refuses at once, with a Retry-After, instead of letting everybody wait for it.

Questions pass here whatever the protocol, before anything is written (api/queries.py), and so do new sessions and streams (api/open_streams.py).
What is refused leaves no trace in the log. 429: the tenant asks faster than it may. 503: too many questions wait (api/unanswered.py), too many
streams are open, or this process itself is late (api/loop_lag.py). Why it is decided so: docs/adr/0028-load-is-shed-by-count.md.
"""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from throttled import RateLimiterType, Throttled, per_min
from throttled.store import MemoryStore

from api.loop_lag import LoopLag
from api.metrics import Metrics
from api.unanswered import Unanswered, Waiting
from schemas.errors import Overloaded, RoxyError, TooManyQuestions
from schemas.settings import Settings

_OTHERS = "*"
_BURST = 6  # this part of a minute's questions may come at once
_SPREAD = (0.5, 1.5)  # those who are refused together need not come back together
_LATE_S = 2.0
_OTHER_HANDLES = 500  # connections to Kafka, requests that are no streams: a process without one left accepts nobody, and says nothing


class Admission:
    """Says yes by returning, and no by raising."""

    def __init__(self, settings: Settings, metrics: Metrics, unanswered: Unanswered, lag: LoopLag) -> None:
        self._settings, self._metrics = settings, metrics
        self.unanswered, self.lag = unanswered, lag
        metrics.unanswered.set_function(unanswered.count)
        metrics.lag.set_function(lambda: lag.seconds)
        self._paces = {tenant: _pace(most) for tenant, most in settings.questions_per_min.items()}

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Watch what it goes by, in the background."""
        async with self.unanswered.followed(), self.lag.watched():
            yield

    @contextmanager
    def question(self, waiting: Waiting) -> Iterator[None]:
        """Write a question within. From then on it counts, unless writing it failed. Raises TooManyQuestions, Overloaded."""
        tenant = waiting.session.tenant
        self.require_room(tenant)
        self._require_pace(tenant)
        new = self.unanswered.asked(waiting)
        try:
            yield
        except BaseException:
            if new:  # else the one that came before it, under the same key, is still waited for
                self.unanswered.forget(waiting)
            raise

    def require_room(self, tenant: str) -> None:
        """Whether a question would be let in now, before a session is made for it. Raises Overloaded."""
        self._require_time(tenant)
        most, waiting = self._settings.max_unanswered, self.unanswered.count()
        own, tenants = self.unanswered.share(tenant)
        if waiting >= most and own >= most // tenants:  # as long as there is room it is anybody's; then a tenant's share is still its own
            error = Overloaded(f"{waiting} questions wait to be answered.", retry_after_s=_spread(self.unanswered.gone_in_s()))
            raise self._refused(tenant, "unanswered", error)

    def require_stream(self, tenant: str, are_open: int) -> None:
        """Raises Overloaded."""
        self._require_time(tenant)
        if are_open >= min(self._settings.sse_max, _handles()):
            remedy = "Come back after the seconds that Retry-After names, or add API processes; ROXY_SSE_MAX says how many one has."
            raise self._refused(tenant, "streams", Overloaded("Too many streams are open.", remedy=remedy, retry_after_s=_spread(_LATE_S)))

    def _require_time(self, tenant: str) -> None:
        if self.lag.seconds > self._settings.max_lag_s:
            late = f"This API process is late by {self.lag.seconds:.1f} s."
            raise self._refused(tenant, "late", Overloaded(late, retry_after_s=_spread(_LATE_S)))

    def _require_pace(self, tenant: str) -> None:
        pace = self._paces.get(tenant) or self._paces.get(_OTHERS)
        if pace is not None and (said := pace.limit(tenant)).limited:
            raise self._refused(tenant, "pace", TooManyQuestions(retry_after_s=said.state.retry_after))

    def _refused(self, tenant: str, reason: str, error: RoxyError) -> RoxyError:
        self._metrics.refused.labels(tenant, reason).inc()
        return error


def _pace(most: int) -> Throttled:
    """Evenly (GCRA): a whole minute's questions in its first second would be a load that the rate does not speak of. 4 us a question."""
    return Throttled(using=RateLimiterType.GCRA.value, quota=per_min(most, burst=max(1, most // _BURST)), store=MemoryStore())


def _handles() -> int:
    """For streams, of those that the process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(soft - _OTHER_HANDLES, soft // 2)


def _spread(seconds: float) -> float:
    return seconds * random.uniform(*_SPREAD)
