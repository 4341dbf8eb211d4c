"""streams/exports/bounds.py: how far the log is read."""

from __future__ import annotations

import pytest

from schemas.errors import InvalidPosition
from streams.exports.bounds import bounds_at
from streams.preferences.replay import Bounds
from tests.unit.streams.exports.log import a_log


@pytest.mark.parametrize(
    ("at", "bounds"),
    [
        (None, Bounds({0: 43}, {0: 24})),
        ('{"feedback": {"0": 12}, "answers": {"0": 20}}', Bounds({0: 12}, {0: 20})),
        ('{"feedback": {}, "answers": {"0": 20}}', Bounds({0: 0}, {0: 20})),
        ("2001-01-01", Bounds({0: 0}, {0: 0})),
        ("2999-01-01T00:00:00Z", Bounds({0: 43}, {0: 24})),
    ],
)
async def test_offsets_and_times_are_bounds(at: str | None, bounds: Bounds) -> None:
    """Of a partition that is not named, nothing is read."""
    assert bounds == await bounds_at(at, await a_log())


@pytest.mark.parametrize("at", ["soon", "{", "{}", '{"feedback": {"0": 99}, "answers": {}}', '{"feedback": {"7": 1}, "answers": {}}'])
async def test_what_the_log_does_not_reach_is_no_position(at: str) -> None:
    """Said in a sentence."""
    with pytest.raises(InvalidPosition):
        await bounds_at(at, await a_log())
