"""Moments: times as people and events write them, in seconds or milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from schemas.errors import InvalidInput

_SPAN = re.compile(r"(\d{1,6})(min|h|d)")
_SPAN_MS = {"min": 60_000, "h": 3_600_000, "d": 86_400_000}
_ALL = "all"


def seconds_of(time: str) -> float:
    """Seconds since 1970; a time without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(time)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except OverflowError as error:  # beyond the year 9999 in UTC
        raise ValueError(time) from error


def since_ms(since: str, now: float) -> int:
    """The moment that is meant, in milliseconds since 1970. `now`: in seconds. Raises InvalidInput."""
    if since == _ALL:
        return 0
    span = _SPAN.fullmatch(since)
    if span is not None:
        return max(int(now * 1000) - int(span[1]) * _SPAN_MS[span[2]], 0)
    try:
        return max(int(seconds_of(since) * 1000), 0)
    except ValueError as error:
        raise InvalidInput(f"{since} is no time to begin at.", remedy="Use 30min, 24h, 7d, a time as 2026-11-21T02:00:00Z, or all.") from error
