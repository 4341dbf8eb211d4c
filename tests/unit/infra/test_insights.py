"""`roxy insights`: how it is shown."""

from __future__ import annotations

import pytest

from infra.insights_plot import FIGURES, plot, require_figure
from schemas.errors import InvalidInput
from streams.insights.gathering import Gathering
from streams.insights.grouping import rows_of
from tests.unit.streams.preferences.judged import an_answer


def test_a_figure_is_drawn_over_the_windows() -> None:
    """A line for each value, by name."""
    gathering = Gathering()
    for day in range(1, 9):
        for model in ("small", "large"):
            gathering.add(an_answer(f"a-{model}.{day}", model=model, time=f"2026-11-0{day}T10:00:00Z", took_ms=day * len(model) * 10.0))
    drawn = plot(rows_of(gathering.answers(), "model", "1d"), "took_ms_p95")

    assert [] == [part for part in ("took_ms_p95", "default small", "default large", "2026-11-01", "400.0") if part not in drawn]


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
