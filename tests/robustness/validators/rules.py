"""Rules: all of them, held against one history."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.robustness.history import History
from tests.robustness.log import Log
from tests.robustness.validators import (
    answers,
    cancellations,
    completeness,
    cursors,
    dead_letters,
    documents,
    feedback,
    liveness,
    projections,
    questions,
    readers,
    refusals,
    relays,
    sessions,
)
from tests.robustness.validators.violation import Violation

Validator = Callable[[Log], Iterator[Violation]]

VALIDATORS: dict[str, Validator] = {
    one.RULE: one.violations
    for one in (
        questions,
        relays,
        answers,
        readers,
        completeness,
        cursors,
        documents,
        feedback,
        projections,
        cancellations,
        dead_letters,
        sessions,
        refusals,
        liveness,
    )
}


def violations_of(history: History) -> list[Violation]:
    """What the history breaks; empty: nothing."""
    log = Log(history)
    return [violation for violations in VALIDATORS.values() for violation in violations(log)]
