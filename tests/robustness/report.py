"""Report: what a run was and what it broke, as tables in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.robustness.gaps import PARTS, Gap, gaps
from tests.robustness.history import Fault, History
from tests.robustness.run import Outcome

_SHOWN = 20  # violations


def show(outcome: Outcome, console: Console) -> None:
    """All of it, and the command that repeats it."""
    history = outcome.history
    console.print(_operations(history), _faults(history), _gaps(gaps(history)))
    for violation in outcome.violations[:_SHOWN]:
        console.print(str(violation), style="red", markup=False, highlight=False)
    said = ", ".join(f"{name} {value}" for name, value in history.run.settings.items() if name != "command")
    console.print(f"\n{len(outcome.violations)} violations. {said}.\nHistory: {outcome.folder}\nAgain:   {outcome.wanted.command}", markup=False)


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """What it was and what it broke, for a program."""
    found = [_told(gap.fault) | {"gap_s": gap.longest_s if gap.seen else None} for gap in gaps(outcome.history)]
    not_done = [_told(fault) for fault in outcome.history.run.faults if _is_not_done(fault)]
    told: dict[str, Any] = {
        "seed": outcome.wanted.seed,
        "command": outcome.wanted.command,
        "folder": str(outcome.folder),
        "run": outcome.history.run.settings,
    }
    return {**told, "faults": found, "not_done": not_done, "violations": [violation._asdict() for violation in outcome.violations]}


def _told(fault: Fault) -> dict[str, Any]:
    return {"kind": fault.kind, "target": fault.target, "at_s": fault.start}


def _is_not_done(fault: Fault) -> bool:
    """There was nothing to do it to, or it did not succeed."""
    return fault.detail.get("done") is False


def _operations(history: History) -> Table:
    counts = Counter((one.kind, one.outcome) for one in history.operations)
    counts |= Counter(("read", one.ended) for one in history.connections)
    outcomes = sorted({outcome for _, outcome in counts})
    table = _table("what clients did", *outcomes)
    for kind in sorted({kind for kind, _ in counts}):
        table.add_row(kind, *(str(counts[kind, outcome] or "") for outcome in outcomes))
    return table


def _faults(history: History) -> Table:
    table = _table("faults", "times", "not done", "on", "longest s")
    kinds = sorted({fault.kind for fault in history.run.faults})
    for kind in kinds:
        of = [fault for fault in history.run.faults if fault.kind == kind]
        longest = max((fault.end or fault.start) - fault.start for fault in of)
        table.add_row(kind, str(len(of)), str(sum(map(_is_not_done, of)) or ""), ", ".join(sorted({fault.target for fault in of})), f"{longest:.1f}")
    return table


def _gaps(found: Sequence[Gap]) -> Table:
    """Time without service, by what was hit; killed ones apart, for that is what is promised about."""
    table = _table("without service, s", "faults", "unseen", "p50", "p95", "longest")
    for part in PARTS:
        for name, of in ((f"{part} killed", [g for g in found if g.fault.kind == f"kill-{part}"]), (part, [g for g in found if g.part == part])):
            values = [gap.longest_s for gap in of if gap.seen]
            figures = (*np.percentile(values, (50, 95)), max(values)) if values else ()
            if of:
                table.add_row(name, str(len(of)), str(len(of) - len(values) or ""), *(f"{value:.2f}" for value in figures))
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(first, box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    return table
