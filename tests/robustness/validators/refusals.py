"""Refusals: nobody is told that there is no such session while there is one, by no process and no broker that has not heard of it yet; and what is in
order is not refused at all, but for a time. All that traffic asks for is in order: whoever is refused for good gives up, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.session_id import Session
from tests.robustness.history import Connection, Operation
from tests.robustness.log import Log
from tests.robustness.validators.violation import Violation

RULE = "refusals"
_NOT_FOUND, _CONFLICT, _TOO_MANY = 404, 409, 429
_IN_SESSIONS = ("ask", "cancel", "feedback", "regenerate", "retract")


def violations(log: Log) -> Iterator[Violation]:
    for one in log.operations("ask", "cancel", "feedback", "regenerate", outcome="refused"):
        if one.status == _NOT_FOUND and not _may_be_gone(log, one):
            yield Violation(RULE, _who(one), f"was told that there is nothing to {one.kind} in", (str(one),))
    for one in log.operations(*_IN_SESSIONS, "ingest", "delete", outcome="refused"):
        if _for_good(one) and not _is_forgotten(log, one) and not _is_conflict(log, one):
            yield Violation(RULE, _who(one), f"was refused with {one.status}, and had asked for what there is", (str(one),))
    yield from _readers(log)


def _readers(log: Log) -> Iterator[Violation]:
    given = _given(log)
    for one in log.history.connections:
        if one.ended != "refused" or log.losses.forgotten(one.session, one.end):
            continue
        if one.status == _NOT_FOUND:
            yield Violation(RULE, f"{one.client} in {one.session.id}", "was told that there is nothing to read", (one.at,))
        elif _for_good(one) and (one.after is None or (one.session, one.after) in given):
            what = f"was refused with {one.status}, and had asked for what there is"
            yield Violation(RULE, f"{one.client} in {one.session.id}", what, (one.at, f"after {one.after}"))


def _for_good(one: Operation | Connection) -> bool:
    """There is no sense in coming again. What is not there is another rule's."""
    return one.status is not None and 400 <= one.status < 500 and one.status not in (_NOT_FOUND, _TOO_MANY)


def _given(log: Log) -> frozenset[tuple[Session, str]]:
    """Cursors that the server itself has given out, in frames and in replies."""
    shown = {(one.session, frame.cursor) for one in log.history.connections for frame in one.frames}
    return frozenset(shown | {(one.session, one.response["cursor"]) for one in log.operations(*_IN_SESSIONS) if "cursor" in one.response})


def _is_forgotten(log: Log, one: Operation) -> bool:
    return "session" in one.request and log.losses.forgotten(one.session, one.end)


def _is_conflict(log: Log, one: Operation) -> bool:
    """Something else was asked under the same key."""
    key = one.request.get("key")
    asked = {other.request.get("text") for other in log.operations(one.kind) if key and other.request.get("key") == key}
    return one.status == _CONFLICT and len(asked) > 1


def _may_be_gone(log: Log, one: Operation) -> bool:
    """The session, or what it held, when the refusal came."""
    return log.losses.forgotten(one.session, one.end) or log.losses.first_kept(one.session, one.end) > 0


def _who(one: Operation) -> str:
    return f"{one.client} in {one.session.id}" if "session" in one.request else one.client
