"""`roxy insights`: what can be asked, and how it is shown."""

from __future__ import annotations

import pytest

from infra.insights import since_ms
from infra.insights_plot import FIGURES, plot, require_figure
from schemas.errors import InvalidInput
from streams.insights.gathering import Gathering
from streams.insights.grouping import rows_of
from tests.unit.streams.preferences.judged import an_answer


@pytest.mark.parametrize(
    ("since", "expected"), [("30min", 98_200_000), ("24h", 13_600_000), ("1d", 13_600_000), ("7d", 0), ("all", 0), ("1970-01-01T00:01:00Z", 60_000)]
)
def test_a_moment_is_a_span_or_a_time(since: str, expected: int) -> None:
    """Before the beginning of time there is nothing."""
    assert expected == since_ms(since, 100_000.0)


@pytest.mark.parametrize("since", ["", "7", "7 weeks", "-1d", "soon", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_time_is_refused(since: str) -> None:
    """With what would be one."""
    with pytest.raises(InvalidInput, match="is no time"):
        since_ms(since, 100_000.0)


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
