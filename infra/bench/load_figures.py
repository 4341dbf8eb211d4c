"""What is told of a load: how long each kind of operation took, what went wrong by kind, how far behind it all was, how soon it recovered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from infra.bench.load_plan import ANSWERED, MIX, Done
from infra.bench.report import quantiles

MOST_ERRORS = 0.001  #: of all operations, for a rate to count as sustained
MOST_BEHIND_S = 2.0  #: and its last answer has ended so soon after the last operation was due: nothing piles up
SLOW_MS = 1_000.0  #: a first token that comes later is no service


class Outcome(NamedTuple):
    """What became of a phase."""

    rate: float
    seconds: float  #: that it was to last
    took_s: float  #: until its last operation ended
    done: Sequence[Done]
    lost: int  #: streams that the server ended

    @property
    def errors(self) -> Counter[str]:
        """By kind and outcome."""
        return Counter(f"{one.kind}_{one.outcome}" for one in self.done if one.outcome != "ok") + Counter({"stream_lost": self.lost})

    @property
    def errors_share(self) -> float:
        return self.errors.total() / max(len(self.done), 1)

    @property
    def behind_s(self) -> float:
        """From the phase's end to that of the last operation."""
        return max(self.took_s - self.seconds, 0.0)

    @property
    def sustained(self) -> bool:
        return self.errors_share <= MOST_ERRORS and self.behind_s <= MOST_BEHIND_S

    def figures(self) -> dict[str, float]:
        """Milliseconds are of operations that succeeded, errors of all."""
        figures = {"rate_per_s": self.rate, "operations": float(len(self.done)), "behind_s": self.behind_s}
        for kind in MIX:
            good = [one for one in self.done if one.kind == kind and one.outcome == "ok"]
            name = f"{kind}_accepted" if kind in ANSWERED else kind
            figures |= quantiles(name, [one.done_ms for one in good])
            figures |= quantiles(f"{kind}_first_token", [one.first_token_ms for one in good if kind in ANSWERED])
            figures |= quantiles(f"{kind}_whole", [one.whole_ms for one in good if kind in ANSWERED])
        figures["errors_share"] = self.errors_share
        figures |= {f"errors_{name}": float(count) for name, count in sorted(self.errors.items())}
        return {**figures, **quantiles("generator_late", [one.begun_ms for one in self.done])}


def of_overload(over: Outcome, after: Outcome) -> dict[str, float]:
    """What twice the rate did, and how long it was felt when it was over."""
    shed = [one for one in over.done if one.shed]
    fell_over = [one for one in over.done if one.outcome != "ok" and not one.shed]
    good = [one.first_token_ms for one in over.done if one.kind in ANSWERED and one.outcome == "ok"]
    return {
        "overload_rate_per_s": over.rate,
        "overload_shed_share": len(shed) / max(len(over.done), 1),
        "overload_fell_over_share": (len(fell_over) + over.lost) / max(len(over.done), 1),
        "overload_shed_p99_ms": float(np.percentile([one.done_ms for one in shed], 99)) if shed else 0.0,
        **quantiles("overload_first_token", good),
        **{f"overload_errors_{name}": float(count) for name, count in sorted(over.errors.items())},
        "recovery_s": recovery_s(after),
    }


def recovery_s(after: Outcome) -> float:
    """From the end of the overload to the last operation that was refused, failed, or answered late."""
    return max((one.due_s for one in after.done if one.outcome != "ok" or one.first_token_ms > SLOW_MS), default=0.0)
