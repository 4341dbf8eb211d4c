"""What a search for settings says: as one object, as tables, as lines to copy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from infra.bench.report import machine
from infra.evaluation.space import changes
from infra.evaluation.trials import Order
from infra.evaluation.tuning import Half, Outcome
from schemas.settings import PREFIX

_SHOWN = 10  # trials
_CHANCE = 0.05


def as_dict(order: Order, outcome: Outcome) -> dict[str, Any]:
    """The object of `--json`."""
    return {
        "dataset": order.folder.resolve().name,
        "split": order.split,
        "measure": outcome.measure,
        "seed": order.seed,
        "trials": [{"settings": changes(one.parameters), outcome.measure: round(one.value, 5)} for one in outcome.tried],
        "best": changes(outcome.parameters),
        "train": _half_as_dict(outcome.train),
        "held_out": _half_as_dict(outcome.held_out),
        "settings": settings_lines(order, outcome),
        "study": str(order.study),
        "machine": machine(),
    }


def _half_as_dict(half: Half) -> dict[str, Any]:
    return {
        "queries": half.questions,
        "as_set": round(half.as_set, 5),
        "best": round(half.best, 5),
        "difference": round(half.difference.mean, 5),
        "p": half.difference.p,
    }


def settings_lines(order: Order, outcome: Outcome) -> list[str]:
    """What to export for the best settings: those that differ from what is set."""
    differing = {name: value for name, value in changes(outcome.parameters).items() if value != getattr(order.settings, name)}
    return [f"{PREFIX}{name.upper()}={value}" for name, value in differing.items()]


def show(order: Order, outcome: Outcome, console: Console) -> None:
    """The best trials, what the best is worth, and the settings to copy."""
    console.print(_trials(outcome))
    console.print(_halves(order, outcome))
    for line in _words(order, outcome):
        console.print(line, highlight=False, soft_wrap=True)


def _trials(outcome: Outcome) -> Table:
    shown = sorted(outcome.tried, key=lambda one: -one.value)[:_SHOWN]
    table = Table(outcome.measure, "settings", title=f"The best {len(shown)} of {len(outcome.tried)} trials", title_justify="left")
    for one in shown:
        table.add_row(f"{one.value:.4f}", ", ".join(f"{name} {value}" for name, value in changes(one.parameters).items()))
    return table


def _halves(order: Order, outcome: Outcome) -> Table:
    table = Table("questions", "as set", "best", "difference", "p", title=f"{outcome.measure} of {order.folder.resolve().name}", title_justify="left")
    for name, half in (("searched by", outcome.train), ("held out", outcome.held_out)):
        p = "" if half.difference.p is None else f"{half.difference.p:.3f}"
        table.add_row(f"{half.questions} {name}", f"{half.as_set:.4f}", f"{half.best:.4f}", f"{half.difference.mean:+.4f}", p)
    return table


def _words(order: Order, outcome: Outcome) -> Iterable[str]:
    if not outcome.parameters:
        yield "No trial was better than the settings as they are."
        return
    yield "The held-out figure counts: those questions chose nothing. " + _verdict(outcome.held_out)
    yield "The best trial's settings, where they differ from yours:"
    yield from settings_lines(order, outcome)


def _verdict(half: Half) -> str:
    if half.difference.mean <= 0:
        return "On them the best trial is no better: keep the settings as they are."
    if half.difference.p is None or half.difference.p >= _CHANCE:
        return "On them the gain may be chance: judge more questions before you take these."
    return "On them the gain is more than chance."
