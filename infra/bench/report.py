"""What a bench says: one object with the figures, the baseline of the same run, the ratios and the goals; as a table or as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table


class Goal(NamedTuple):
    """A figure's goal, what was measured, and whether that is met."""

    goal: float
    value: float
    met: bool


class Report(NamedTuple):
    """`figures`, `baseline` and `ratios` are flat, with the unit in each name: `_ms`, `_per_s`, `_mib`, `_kib`."""

    bench: str
    machine: dict[str, str | int | float]
    figures: dict[str, float]
    baseline: dict[str, float]
    ratios: dict[str, float]
    goals: dict[str, Goal]

    def as_dict(self) -> dict[str, object]:
        return {**self._asdict(), "goals": {name: goal._asdict() for name, goal in self.goals.items()}}


Wanted = tuple[Literal["<=", ">="], float]  #: a goal as a bench states it


def report(bench: str, *, figures: Mapping[str, float], baseline: Mapping[str, float], goals: Mapping[str, Wanted]) -> Report:
    """Ratios are those of the figures that the baseline has too; a goal named `ratio_…` is one of a ratio."""
    ratios = {f"ratio_{name}": figures[name] / baseline[name] for name in figures if baseline.get(name)}
    values = {**figures, **ratios}
    judged = {name: _judge(sign, goal, values[name]) for name, (sign, goal) in goals.items() if name in values}
    return Report(bench, machine(), _rounded(figures), _rounded(baseline), _rounded(ratios), judged)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def _judge(sign: Literal["<=", ">="], goal: float, value: float) -> Goal:
    return Goal(goal, round(value, 3), value <= goal if sign == "<=" else value >= goal)


def quantiles(name: str, values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of milliseconds, under names that say so."""
    if not values:
        return {}
    return {f"{name}_p{q}_ms": float(np.percentile(values, q)) for q in (50, 95, 99)}


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def show(result: Report, console: Console) -> None:
    """The table."""
    table = Table("figure", "value", "baseline", "ratio", "goal", title=f"roxy bench {result.bench}", title_justify="left")
    for name, value in result.figures.items():
        ratio = result.ratios.get(f"ratio_{name}")
        goals = [_words(result.goals[key]) for key in (name, f"ratio_{name}") if key in result.goals]
        base = result.baseline.get(name)
        table.add_row(name, f"{value:,.2f}", "" if base is None else f"{base:,.2f}", "" if ratio is None else f"{ratio:.2f}", " ".join(goals))
    for name in (name for name in result.baseline if name not in result.figures):
        table.add_row(name, "", f"{result.baseline[name]:,.2f}")
    console.print(table)
    console.print("  ".join(f"{name} {value}" for name, value in result.machine.items()), style="dim", highlight=False)


def _words(goal: Goal) -> str:
    return f"{goal.goal:g} {'[green]met[/]' if goal.met else '[red]not met[/]'}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
    except OSError:
        return platform.processor()
