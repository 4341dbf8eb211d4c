"""Arms: those of an experiment compared, by tea-tasting (extra `insights`). One row a session, because sessions were shared out, not answers.

Figures of answers are ratios of sums over sessions; their intervals are by the delta method, so a talkative user does not count as many users.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from schemas.errors import MissingExtra
from streams.insights.session_fold import JudgedAnswer

#: By figure, what is divided by what; both are summed up over a session.
RATIOS = {
    "answered": ("answered", "answers"),
    "mark": ("mark_sum", "marks"),
    "corrections": ("corrections", "answers"),
    "took_ms": ("took_ms", "made"),
}
_FEWEST = 2  # sessions of an arm: of one there is no spread


class Difference(NamedTuple):
    """Of one figure, between an arm and the one that it is compared with."""

    tenant: str
    experiment: str
    arm: str
    against: str  #: the arm with the most sessions
    figure: str
    sessions: tuple[int, int]  #: of the arm, and of the other
    value: float
    other: float
    difference: float
    low: float | None  #: of the 95 % confidence interval; null: there is no spread
    high: float | None
    p_value: float | None


def require_statistics() -> None:
    """Raises MissingExtra."""
    if find_spec("tea_tasting") is None:
        raise MissingExtra("Comparing arms needs tea-tasting, which is not installed.", remedy="Install the extra `insights` of roxy.")


def compared(judged: Iterable[JudgedAnswer]) -> list[Difference]:
    """All experiments. Sessions that were in two arms of one (it was changed meanwhile) are left out. Raises MissingExtra."""
    require_statistics()
    experiments: dict[tuple[str, str], dict[str, list[JudgedAnswer]]] = {}
    for one in judged:
        for experiment, _ in one.answer.arms:
            experiments.setdefault((one.answer.tenant, experiment), {}).setdefault(one.answer.session_id, []).append(one)
    return [each for (tenant, name), sessions in sorted(experiments.items()) for each in _differences(tenant, name, sessions)]


def _differences(tenant: str, experiment: str, sessions: Mapping[str, Sequence[JudgedAnswer]]) -> list[Difference]:
    by_arm: dict[str, list[dict[str, float]]] = {}
    for _, judged in sorted(sessions.items()):
        arms = {arm for one in judged for name, arm in one.answer.arms if name == experiment}
        if len(arms) == 1:
            by_arm.setdefault(arms.pop(), []).append(_session_row(judged))
    by_arm = {arm: rows for arm, rows in by_arm.items() if len(rows) >= _FEWEST}
    if not by_arm:
        return []
    against = min(by_arm, key=lambda arm: (-len(by_arm[arm]), arm))
    return [
        _difference(tenant, experiment, figure, (arm, by_arm[arm]), (against, by_arm[against]))
        for arm in sorted(by_arm)
        for figure, (_, below) in RATIOS.items()
        if arm != against and all(any(row[below] for row in by_arm[one]) for one in (arm, against))
    ]


def _session_row(judged: Sequence[JudgedAnswer]) -> dict[str, float]:
    made = [one.answer.took_ms for one in judged if one.answer.made]
    marks = [mark for one in judged for mark in one.marks]
    return {
        "answers": len(judged),
        "answered": sum(one.answer.answered for one in judged),
        "marks": len(marks),
        "mark_sum": math.fsum(marks),
        "corrections": sum(one.corrections for one in judged),
        "made": len(made),
        "took_ms": math.fsum(made),
    }


_Arm = tuple[str, list[dict[str, float]]]


def _difference(tenant: str, experiment: str, figure: str, arm: _Arm, against: _Arm) -> Difference:
    import numpy as np
    import pyarrow as pa
    import tea_tasting as tt

    rows = [{"variant": name, **row} for name, sessions in (arm, against) for row in sessions]
    with np.errstate(all="ignore"):  # without spread the statistic is 0 / 0
        result: Any = tt.Experiment({figure: tt.RatioOfMeans(*RATIOS[figure])}).analyze(pa.Table.from_pylist(rows), control=against[0])[figure]
    return Difference(
        tenant=tenant,
        experiment=experiment,
        arm=arm[0],
        against=against[0],
        figure=figure,
        sessions=(len(arm[1]), len(against[1])),
        value=float(result.treatment),
        other=float(result.control),
        difference=float(result.effect_size),
        low=_finite(result.effect_size_ci_lower),
        high=_finite(result.effect_size_ci_upper),
        p_value=_finite(result.pvalue),
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
