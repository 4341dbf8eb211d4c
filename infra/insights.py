"""`roxy insights`: figures over answers and what people said of them, folded from the log when it is asked for."""

from __future__ import annotations

import asyncio
import time
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.journal import open_journal
from infra.index import Json, cluster_settings, print_json, print_line, progress, table
from infra.insights_plot import plot, require_figure
from schemas.insight_events import By, Window
from schemas.moments import since_ms
from streams.insights.arms import Difference, compared, require_statistics
from streams.insights.grouping import Question, Row
from streams.insights.insights import Gathered, Insights, Scope, gather, insights_of

_COLUMNS = (
    "answers",
    "answered",
    "refused",
    "cached",
    "failed",
    "stopped",
    "mark",
    "up",
    "down",
    "corrected",
    "won",
    "lost",
    "p50 ms",
    "p95 ms",
    "tokens",
    "cost",
    "held",
)


def register(app: typer.Typer) -> None:
    """Add `roxy insights`."""
    app.command("insights")(insights_command)


def insights_command(
    tenant: Annotated[str | None, typer.Option(help="Whose; all tenants, each on its own, if left out.")] = None,
    since: Annotated[str, typer.Option(help="30min, 24h, 7d, a time (2026-11-21T02:00:00Z), or all.")] = "7d",
    window: Annotated[Window | None, typer.Option(help="A row for each window of time.")] = None,
    by: Annotated[By | None, typer.Option(help="A row for each of these.")] = None,
    questions: Annotated[int, typer.Option(min=0, help="So many of the newest questions that the documents hold no answer to.")] = 10,
    compare: Annotated[bool, typer.Option("--compare", help="Compare the arms of experiments, with confidence intervals.")] = False,
    figure: Annotated[str | None, typer.Option("--plot", help="Draw a figure over time in the terminal: mark, answers, took_ms_p95 …")] = None,
    as_json: Json = False,
) -> None:
    """Say how good answers were, how fast, at what cost, and what the documents did not hold."""
    if compare:
        require_statistics()
    if figure is not None:
        require_figure(figure)
        window = window or "1d"
    scope = Scope(since_ms(since, time.time()), tenant)
    with progress("Reading", quiet=as_json) as (_, advance):
        gathered = asyncio.run(_gathered(scope, advance))
    found, differences = insights_of(gathered, by, window, questions), compared(gathered.answers) if compare else None
    if as_json:
        print_json(_as_dict(found, differences))
        return
    _show(found, Console())
    if differences is not None:
        _show_differences(differences, Console())
    if figure is not None:
        typer.echo(plot(found.rows, figure))


async def _gathered(scope: Scope, advance: Any) -> Gathered:
    async with open_journal(cluster_settings()) as journal:
        return await gather(journal, scope, advance=advance)


def _show(found: Insights, console: Console) -> None:
    if not found.rows:
        print_line("No answers since then.")
    several = len({row.tenant for row in found.rows}) > 1
    columns = (("tenant", several), ("since", _any(found, "window")), ("of", _any(found, "value")))
    first = tuple(name for name, shown in columns if shown)
    if found.rows:
        console.print(_table(first, found.rows))
    for name in ("errors", "tags", "signals"):
        _show_counts(name, found, console)
    if found.failures:
        console.print(table(("what no step could finish", "records"), [(slug, str(count)) for slug, count in found.failures.items()]))
    if found.unanswered:
        console.print(table(("last asked", "times", "the documents hold no answer to"), [_question(one) for one in found.unanswered]))
    if found.left_out:
        print_line(f"{found.left_out} records could not be read and are left out.")


def _table(first: tuple[str, ...], rows: tuple[Row, ...]) -> Table:
    """Columns in which there is nothing are left out: a terminal is narrow."""
    cells = [_figures(row) for row in rows]
    shown = [place for place in range(len(_COLUMNS)) if any(cell[place] for cell in cells)]
    filled = [(*_place(row, first), *(cell[place] for place in shown)) for row, cell in zip(rows, cells, strict=True)]
    return table((*first, *(_COLUMNS[place] for place in shown)), filled)


def _show_counts(name: str, found: Insights, console: Console) -> None:
    """Of all rows of a kind that has any."""
    counts = [(*_place(row, ("of",)), _listed(getattr(row.figures, name))) for row in found.rows if getattr(row.figures, name)]
    if counts:
        console.print(table(("of", name), counts))


def _show_differences(differences: list[Difference], console: Console) -> None:
    if not differences:
        print_line("No two arms of an experiment have two sessions each.")
        return
    for (tenant, experiment, arm), group in groupby(differences, key=lambda one: (one.tenant, one.experiment, one.arm)):
        of = list(group)
        (here, there), against = of[0].sessions, of[0].against
        print_line(escape(f"{tenant}: {experiment}/{arm} ({here} sessions) against {against} ({there})"))
        console.print(table(("", "it has", "other", "difference", "95 % interval", "p"), [_difference(one) for one in of]))


def _difference(one: Difference) -> tuple[str, ...]:
    interval = "" if one.low is None or one.high is None else f"{one.low:.3f} … {one.high:.3f}"
    return one.figure, f"{one.value:.3f}", f"{one.other:.3f}", f"{one.difference:+.3f}", interval, _number(one.p_value, 3)


def _any(found: Insights, name: str) -> bool:
    return any(getattr(row, name) is not None for row in found.rows)


def _place(row: Row, columns: tuple[str, ...]) -> tuple[str, ...]:
    where = {"tenant": row.tenant, "since": (row.window or "")[:16], "of": escape(row.value or row.tenant)}
    return tuple(where[name] for name in columns)


def _figures(row: Row) -> tuple[str, ...]:
    of = row.figures
    cost = " + ".join(f"{amount:.4f} {currency}" for currency, amount in of.cost.items())
    tokens = of.prompt_tokens + of.completion_tokens
    return (
        *(str(of.answers), str(of.answered)),
        *(str(count or "") for count in (of.refused, of.cached, of.failed, of.cancelled)),
        _number(of.mark, 2),
        *(str(count or "") for count in (of.thumbs_up, of.thumbs_down, of.corrections, of.won, of.lost)),
        *(_number(of.took_ms_p50, 0), _number(of.took_ms_p95, 0)),
        f"{of.prompt_tokens}+{of.completion_tokens}" if tokens else "",
        *(cost, _number(of.grounding, 2)),
    )


def _question(one: Question) -> tuple[str, ...]:
    return one.last[:16], str(one.times), escape(one.question)


def _listed(counts: dict[str, int]) -> str:
    return escape(", ".join(f"{name} {count}" for name, count in counts.items()))


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _as_dict(found: Insights, differences: list[Difference] | None) -> dict[str, Any]:
    return {
        "rows": [{**row._asdict(), "figures": row.figures.model_dump()} for row in found.rows],
        "unanswered": [one._asdict() for one in found.unanswered],
        "failures": found.failures,
        "left_out": found.left_out,
        **({} if differences is None else {"differences": [one._asdict() for one in differences]}),
    }
