"""schemas/moments.py: moments as people write them."""

from __future__ import annotations

import pytest

from schemas.errors import InvalidInput
from schemas.moments import since_ms


@pytest.mark.parametrize(
    ("since", "expected"), [("30min", 98_200_000), ("24h", 13_600_000), ("1d", 13_600_000), ("7d", 0), ("all", 0), ("1970-01-01T00:01:00Z", 60_000)]
)
def test_a_moment_is_a_span_or_a_time(since: str, expected: int) -> None:
    """Before the beginning of time there is nothing."""
    assert expected == since_ms(since, 100_000.0)


@pytest.mark.parametrize("since", ["", "7", "7 weeks", "-1d", "soon", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_time_is_refused(since: str) -> None:
    """With what would be one."""
    with pytest.raises(InvalidInput, match="is no time"):
        since_ms(since, 100_000.0)
