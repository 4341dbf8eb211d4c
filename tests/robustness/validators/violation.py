"""Violation: a rule that a history breaks."""

from __future__ import annotations

from typing import NamedTuple


class Violation(NamedTuple):
    """What was broken, by or for whom, and what shows it."""

    rule: str
    who: str  #: a session and answer, a reader, a document, a record
    what: str
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join((f"{self.rule}: {self.who}: {self.what}", *self.evidence))
