"""Measured child processes."""

from __future__ import annotations

import time

from infra.bench.child import Clock


def test_a_clock_stands_between_its_times() -> None:
    """What is made up in between does not count."""
    clock = Clock()
    with clock:
        pass
    before = clock.figures()
    time.sleep(0.001)

    assert before == clock.figures()
