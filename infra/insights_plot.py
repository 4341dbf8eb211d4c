"""Insights as a plot in the terminal, by plotext (extra `insights`): one figure over windows of time, a line for each value."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from schemas.errors import InvalidInput, MissingExtra
from schemas.insight_events import Figures
from streams.insights.grouping import Row

_WIDTH, _HEIGHT = 100, 20
_MOST_LINES = 6
_MOST_LABELS = 4  # of windows: of those that do not fit beside each other plotext leaves some out, in every process others
_NOT_NUMBERS = {"errors", "tags", "signals", "cost", "cost_in_vain"}
FIGURES = tuple(name for name in Figures.model_fields if name not in _NOT_NUMBERS)


def require_figure(figure: str) -> None:
    """Raises InvalidInput, MissingExtra."""
    if figure not in FIGURES:
        raise InvalidInput(f"--plot {figure} is no figure that can be drawn.", remedy=f"Use one of {', '.join(FIGURES)}.")
    if find_spec("plotext") is None:
        raise MissingExtra("Plots in the terminal need plotext, which is not installed.", remedy="Install the extra `insights` of roxy.")


def plot(rows: Sequence[Row], figure: str) -> str:
    """The values with the most answers, a line each. Windows without the figure are left out of a line."""
    import plotext

    windows = sorted({row.window or "" for row in rows})
    if not windows:
        return ""
    plotext.clear_figure()
    plotext.limit_size(False, False)  # what is piped has no terminal to fit into
    plotext.plotsize(_WIDTH, _HEIGHT)
    for name in _busiest(rows):
        points = [(windows.index(row.window or ""), getattr(row.figures, figure)) for row in rows if _name(row) == name]
        drawn = sorted((place, float(value)) for place, value in points if value is not None)
        if drawn:
            plotext.plot([place for place, _ in drawn], [value for _, value in drawn], label=name, marker="braille")
    room = len(windows) * 0.1  # for half a label at either end, which is left out otherwise
    plotext.xlim(-room, len(windows) - 1 + room)
    shown = range(0, len(windows), -(-len(windows) // _MOST_LABELS))
    plotext.xticks([float(place) for place in shown], [windows[place][:16] for place in shown])
    plotext.title(figure)
    return str(plotext.uncolorize(plotext.build()))


def _busiest(rows: Sequence[Row]) -> list[str]:
    answers: dict[str, int] = {}
    for row in rows:
        answers[_name(row)] = answers.get(_name(row), 0) + row.figures.answers
    return sorted(answers, key=lambda name: (-answers[name], name))[:_MOST_LINES]


def _name(row: Row) -> str:
    return f"{row.tenant} {row.value}" if row.value is not None else row.tenant
