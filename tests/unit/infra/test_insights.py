"""`roxy insights`: how it is shown."""

from __future__ import annotations

import pytest
from rich.console import Console

from infra.insights import _show
from infra.insights_plot import FIGURES, plot, require_figure
from schemas.errors import InvalidInput
from streams.insights.gathering import Gathering
from streams.insights.grouping import rows_of
from streams.insights.insights import Gathered, insights_of
from tests.unit.streams.insights.judged_sessions import a_failure, a_stop
from tests.unit.streams.preferences.judged import an_answer


def test_a_figure_is_drawn_over_the_windows() -> None:
    """A line for each value, by name."""
    gathering = Gathering()
    for day in range(1, 9):
        for model in ("small", "large"):
            gathering.add(an_answer(f"a-{model}.{day}", model=model, time=f"2026-11-0{day}T10:00:00Z", took_ms=day * len(model) * 10.0))
    drawn = plot(rows_of(gathering.answers(), "model", "1d"), "took_ms_p95")

    assert [] == [part for part in ("took_ms_p95", "default small", "default large", "2026-11-01", "400.0") if part not in drawn]


def test_what_failed_is_shown_with_what_it_failed_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside what people did; a column of nothing is left out."""
    judged = [an_answer(), a_failure("a-2"), a_failure("a-3"), a_stop("a-4")]
    gathering = Gathering()
    for event in judged:
        gathering.add(event)
    _show(insights_of(Gathered(tuple(gathering.answers()), {}, 0), None, None, 0), Console(width=150))
    shown = capsys.readouterr().out

    assert [] == [part for part in ("failed", "stopped", "model-unavailable 2", "cut-off 1") if part not in shown]
    assert "refused" not in shown


def test_nothing_is_drawn_of_nothing() -> None:
    """No answers, and a figure that no window has."""
    gathering = Gathering()
    gathering.add(an_answer())

    assert "" == plot((), "mark")
    assert "mark" in plot(rows_of(gathering.answers(), None, "1d"), "mark")


@pytest.mark.parametrize("figure", ["tags", "cost", "nothing"])
def test_what_is_no_number_is_not_drawn(figure: str) -> None:
    """With a list of what is."""
    with pytest.raises(InvalidInput) as refused:
        require_figure(figure)

    assert "mark" in str(refused.value)
    assert "mark" in FIGURES
