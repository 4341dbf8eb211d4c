"""How often a process that serves looks for reference cycles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from connectors.garbage import collect_seldom


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Ring:
    """It holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_looked_at_no_more() -> None:
    """It stays frozen, and what came before is gone first."""
    gone = weakref.ref(Ring())
    collect_seldom()

    assert gone() is None
    assert gc.get_freeze_count() > 10_000


def test_cycles_that_come_are_collected_all_the_same() -> None:
    """Memory does not grow without end."""
    collect_seldom()
    first = weakref.ref(Ring())
    for _ in range(2 * gc.get_threshold()[0]):
        Ring()

    assert first() is None
