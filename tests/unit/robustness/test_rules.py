"""tests/robustness/validators/rules.py: all rules together."""

from __future__ import annotations

from tests.robustness.validators.rules import violations_of
from tests.unit.robustness.sound import sound


def test_a_sound_history_breaks_no_rule() -> None:
    """A take-over, a cancellation, failures, unknown outcomes and readers who come and go are all part of it."""
    found = violations_of(sound())

    assert [] == list(map(str, found))
