"""Refusals: nobody is told that there is no such session while there is one, by no process and no broker that has not heard of it yet."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.session_id import Session
from tests.robustness.log import Log
from tests.robustness.validators.violation import Violation

RULE = "refusals"
_NOT_FOUND = 404


def violations(log: Log) -> Iterator[Violation]:
    for one in log.operations("ask", "cancel", "feedback", "regenerate", outcome="refused"):
        if one.status == _NOT_FOUND and not _may_be_gone(log, one.session):
            yield Violation(RULE, f"{one.client} in {one.session.id}", f"was told that there is nothing to {one.kind} in", (str(one),))
    for connection in log.history.connections:
        if connection.ended == "refused" and connection.status == _NOT_FOUND and connection.session not in log.forgotten:
            yield Violation(RULE, f"{connection.client} in {connection.session.id}", "was told that there is nothing to read", (connection.at,))


def _may_be_gone(log: Log, session: Session) -> bool:
    """The session, or what it held."""
    kept = log.sessions.get(session)
    return session in log.forgotten or (kept is not None and not kept.whole)
