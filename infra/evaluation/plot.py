"""Plot: the trials of a search, by matplotlib, into a file: how the measure went, and how it hangs on each setting."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from infra.evaluation.trials import Tried
from schemas.errors import InvalidInput
from schemas.settings import Settings

ENDINGS = (".svg", ".png", ".pdf")
_COLUMNS = 3
_INCHES = 3.2  # of one picture's side


def require_ending(file: Path) -> None:
    """Raises InvalidInput for a kind of file that cannot be drawn."""
    if file.suffix.lower() not in ENDINGS:
        raise InvalidInput(f"--plot {file}: not a kind of picture.", remedy=f"Use one of {', '.join(ENDINGS)}.")


def draw(file: Path, measure: str, tried: Sequence[Tried], as_set: float, settings: Settings) -> None:
    """Write the picture. `tried` in the order of the trials; `as_set`: the figure that is to be bettered."""
    os.environ.setdefault("MPLCONFIGDIR", str(settings.cache_dir / "matplotlib"))  # else it writes into the home folder
    from matplotlib.figure import Figure  # without pyplot: no window, no state

    names = list(dict.fromkeys(name for one in tried for name in one.parameters))
    rows = -(-(len(names) + 1) // _COLUMNS)
    figure = Figure(figsize=(_COLUMNS * _INCHES, rows * _INCHES), layout="constrained")
    history, *pictures = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    _history(history, measure, [one.value for one in tried], as_set)
    for axes, name in zip(pictures, names, strict=False):
        _by_parameter(axes, name, tried)
    for axes in pictures[len(names) :]:
        axes.set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)


def _history(axes: Any, measure: str, values: Sequence[float], as_set: float) -> None:
    axes.plot(values, "o", markersize=3)
    axes.plot(list(accumulate(values, max)), "-", label="best so far")
    axes.axhline(as_set, color="grey", linestyle=":", label="as set")
    axes.set_xlabel("trial")
    axes.set_ylabel(measure)
    axes.legend()


def _by_parameter(axes: Any, name: str, tried: Sequence[Tried]) -> None:
    """One that was idle in a trial has no point there."""
    points = [(one.parameters[name], one.value) for one in tried if name in one.parameters]
    places = [place for place, _ in points]
    as_words = any(isinstance(place, str) for place in places)
    axes.plot([str(place) if as_words else place for place in places], [value for _, value in points], "o", markersize=3)
    axes.set_xlabel(name)
