"""Liveness: in the end all comes to rest, everybody has seen the end of what they read, and each tenant is answered. A system that refuses everything
breaks no other rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.robustness.history import Connection
from tests.robustness.log import Log
from tests.robustness.validators.violation import Violation

RULE = "liveness"
_TO_THE_END = ("over", "caught-up")
_TOO_MANY = 429


def violations(log: Log) -> Iterator[Violation]:
    if not log.run.settled:
        yield Violation(RULE, "all", "was not quiet in time, after all faults had ended")
    if log.run.left:
        yield Violation(RULE, "all", f"{log.run.left} clients' doings were still under way, long after all was quiet")
    for one in _last(log):
        if one.ended not in _TO_THE_END and not _gave_up(one):
            who = f"{one.client}/{one.reader} on {one.tenant}/{one.session_id}"
            yield Violation(RULE, who, f"its last connection ended as: {one.ended}", (f"{one.start:.3f} s to {one.end:.3f} s, {one.status}",))
    for tenant in log.run.tenants:
        yield from _served(log, tenant)


def _last(log: Log) -> list[Connection]:
    """Each reader's."""
    return [*{(one.client, one.reader): one for one in sorted(log.history.connections, key=lambda one: one.start)}.values()]


def _gave_up(one: Connection) -> bool:
    """It was refused, and would be again: rule refusals says whether that was in order."""
    return one.ended == "refused" and one.status is not None and one.status < 500 and one.status != _TOO_MANY


def _served(log: Log, tenant: str) -> Iterator[Violation]:
    """By what was asked for after healing, and over all of the run by somebody who reads."""
    searches = [search for search in log.run.found.searches if search.tenant == tenant]
    if not searches:
        yield Violation(RULE, tenant, "was asked nothing after all faults had ended")
    for search in searches:
        if search.documents is None:
            yield Violation(RULE, f"{tenant} {search.word}", "was asked for after all faults had ended, and not answered")
    if not any(one.tenant == tenant and one.ended in _TO_THE_END for one in log.history.connections):
        yield Violation(RULE, tenant, "no reader has come to the end of anything")
