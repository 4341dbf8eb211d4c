"""Gaps: how long nobody was served because of a fault, as clients saw it. Pure.

A gap lasts from the fault, or from the question that came after it, to what the client saw next: the next piece of an answer that was being
written, the 202 of a question; where none came, for as long as the client waited. What a client was away by its own will does not count, nor
does waiting behind another question of the session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from schemas.events import TERMINAL
from tests.robustness.history import Connection, Fault, History, Operation

_AFTER_S = 6.0  # so long after its beginning a fault's questions are looked at
_WRITING = frozenset({"GenerationStarted", "TokensGenerated", *TERMINAL})
#: What a fault takes away, by the words of its kind.
PARTS = ("worker", "api", "broker", "network", "model", "weaviate")


class Gap(NamedTuple):
    """Of one fault."""

    fault: Fault
    part: str
    longest_s: float
    seen: int  #: answers and questions that it might have held up


def gaps(history: History) -> list[Gap]:
    """Of each fault that takes something away."""
    asks = _asks(history.operations)
    asked = _first_asked(asks)
    followed = [_Followed(reader, asked[query]) for reader in _readers(history.connections) if (query := reader[0].query) in asked]
    found = []
    for fault in history.run.faults:
        part = next((part for part in PARTS if part in fault.kind), None)
        if part is not None:
            waits = [*(wait for one in followed if (wait := one.wait(fault.start, followed)) is not None), *_accepted(asks, fault.start)]
            found.append(Gap(fault, part, max(waits, default=0.0), len(waits)))
    return found


class _Followed(NamedTuple):
    """An answer, by the connections of who asked for it."""

    connections: Sequence[Connection]
    asked: float  #: when the question was sent first

    @property
    def seen(self) -> list[float]:
        return [frame.at for one in self.connections for frame in one.frames if frame.type in _WRITING]

    def wait(self, at: float, others: Sequence[_Followed]) -> float | None:
        """From the fault, or the question after it, to the next piece; None if it was not under way then."""
        begin, left = max(at, self.asked), self.connections[-1].end
        if self.asked > at + _AFTER_S or left < at or self._ended_before(begin):
            return None
        behind = next((moment for moment in self.seen if moment > begin), left)
        if min(self.seen, default=left) > at and self._queued(others):
            return None
        return max(0.0, behind - begin - _away(self.connections, begin, behind))

    def _ended_before(self, moment: float) -> bool:
        return any(frame.type in TERMINAL and frame.at <= moment for one in self.connections for frame in one.frames)

    def _queued(self, others: Sequence[_Followed]) -> bool:
        """Behind another question of its session."""
        session = self.connections[0].session
        before = (one for one in others if one.connections[0].session == session and one.asked < self.asked)
        return any(not one.seen or one.seen[-1] > self.asked for one in before)


def _readers(connections: Sequence[Connection]) -> list[list[Connection]]:
    """Who follows one answer, from its question on, each with its connections in order."""
    found: dict[tuple[str, str], list[Connection]] = {}
    for one in sorted(connections, key=lambda one: one.start):
        if one.query is not None:
            found.setdefault((one.client, one.reader), []).append(one)
    return [*found.values()]


def _first_asked(asks: dict[str, list[Operation]]) -> dict[str, float]:
    """By query, when it was sent first."""
    return {one.response["query_id"]: tries[0].start for tries in asks.values() for one in tries if "query_id" in one.response}


def _away(reader: Sequence[Connection], since: float, until: float) -> float:
    """How much of that time it stayed away because it wanted to."""
    absences = ((one.end, then.start) for one, then in pairwise(reader) if one.ended == "cut")
    return sum(max(0.0, min(end, until) - max(begin, since)) for begin, end in absences)


def _asks(operations: Sequence[Operation]) -> dict[str, list[Operation]]:
    """All tries of a question, by its key."""
    found: dict[str, list[Operation]] = {}
    for one in sorted(operations, key=lambda one: one.start):
        if one.kind == "ask":
            found.setdefault(one.request["key"], []).append(one)
    return found


def _accepted(asks: dict[str, list[Operation]], at: float) -> Iterator[float]:
    """From the fault, or from the first try behind it, to the 202, or to the end of the last try."""
    for tries in asks.values():
        done = next((one.end for one in tries if one.outcome == "ok"), tries[-1].end)
        if done > at and tries[0].start < at + _AFTER_S:
            yield done - max(at, tries[0].start)
