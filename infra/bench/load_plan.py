"""What the load is: which operations, when. An open loop: an operation is due at its moment, whatever became of those before it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from schemas.settings import Placement

#: Of 100 operations, as on a real day.
MIX = {"ask": 70, "follow_up": 10, "feedback": 10, "ingest": 5, "resume": 5}
ANSWERED = ("ask", "follow_up")  #: operations whose answer is waited for


class Crowd(NamedTuple):
    """The clients of one generator: each has a session and an open stream."""

    ports: tuple[int, ...]  #: of the API processes; the clients are spread over them
    clients: int
    placement: Placement


class Phase(NamedTuple):
    """Operations in a sequence that the seed fixes: at each step so many a second, for so many seconds."""

    steps: tuple[tuple[float, float], ...]
    seed: int


class Done(NamedTuple):
    """What became of one operation. Milliseconds are counted from the moment at which it was due; -1: did not come."""

    kind: str
    due_s: float  #: since the phase began
    outcome: str  #: `ok`, or what went wrong: status_503, status_503_mute (without Retry-After), transport, timeout, gap, wrong, answer_failed
    begun_ms: float  #: how late the generator itself was
    done_ms: float  #: to the reply; of a resume, to the stream's first bytes
    first_token_ms: float = -1.0
    whole_ms: float = -1.0

    @property
    def shed(self) -> bool:
        """Refused as it should be: with when to come back."""
        return self.outcome in ("status_429", "status_503")


def moments(phase: Phase) -> Iterator[tuple[float, str]]:
    """When something is due (seconds), and what. Arrivals of many who do not know of each other: exponential pauses."""
    pick, begun = random.Random(phase.seed), 0.0
    kinds, weights = list(MIX), list(MIX.values())
    for rate, seconds in phase.steps:
        due = begun
        while (due := due + pick.expovariate(rate)) < begun + seconds:
            yield due, pick.choices(kinds, weights)[0]
        begun += seconds
