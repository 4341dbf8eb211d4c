"""`roxy replay`: past questions asked again, at their own state of the index or against another."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from infra.index import Json, cluster_settings, print_json, print_line, progress, table
from infra.replays import Against, replay_all, replay_one
from streams.regression import Line, Table
from streams.replay_question import Replayed

AgainstOption = Annotated[str | None, typer.Option(help="A generation's number, or live. Without it: the index as it was at the question.")]
SettingsOption = Annotated[str | None, typer.Option("--settings", help="Settings of the search that differ: fusion=rrf,top_k=10.")]

_EXCERPT = 60


def register(app: typer.Typer) -> None:
    """Add `roxy replay`."""
    group = typer.Typer(name="replay", help="Past questions asked again, and what changes. No language model is asked.", no_args_is_help=True)
    group.command("query")(query_command)
    group.command("all")(all_command)
    app.add_typer(group)


def query_command(
    query_id: Annotated[str, typer.Argument(help="The query's id.")],
    against: AgainstOption = None,
    changed: SettingsOption = None,
    as_json: Json = False,
) -> None:
    """Ask one question again, and show chunk by chunk what changes."""
    with progress("Building", quiet=as_json) as (total, advance):
        done = asyncio.run(replay_one(cluster_settings(), query_id, Against.of(against, changed), total=total, advance=advance))
    if as_json:
        print_json(_as_dict(done))
    else:
        _show(done)


def all_command(against: AgainstOption = None, changed: SettingsOption = None, as_json: Json = False) -> None:
    """Ask all questions that are kept again, and show a regression table."""
    with progress("Asking", quiet=as_json) as (total, advance):
        found = asyncio.run(replay_all(cluster_settings(), Against.of(against, changed), total=total, advance=advance))
    if as_json:
        lines = [line._asdict() for line in found.lines]
        print_json({**found._asdict(), "lines": lines})
    else:
        _show_table(found, Console())


def _show(done: Replayed) -> None:
    then, now, difference = done.past.found, done.now, done.difference
    print_line(f"[bold]{escape(then.question)}[/]")
    if then.understanding.text != then.question:
        print_line(f"looked up as: {escape(then.understanding.text)}")
    print_line(f"then: {then.time[:19]}, generation {then.index.generation} of {then.index.index}, settings {then.plan}")
    print_line(f"now: generation {now.index.generation} of {now.index.index}, settings {now.plan}")
    rows = [
        (
            _rank(row.rank_then),
            _rank(row.rank_now),
            _score(row.score_then),
            _score(row.score_now),
            row.chunk_id,
            "text changed" if row.text_changed else "",
        )
        for row in difference.rows
    ]
    Console().print(table(("then", "now", "score then", "now", "chunk", ""), rows))
    verdict = "[green]The same chunks in the same order.[/]" if difference.same else "[yellow]Other chunks, or another order.[/]"
    print_line(f"{verdict} Overlap {difference.overlap:.2f}, rank correlation {difference.correlation:.2f}.")
    if then.degraded:
        print_line(f"Then {' and '.join(then.degraded)} did not answer.")
    if done.answer_changed is not None:
        print_line("Its answer would read otherwise." if done.answer_changed else "Its answer would read the same.")
    if done.citations_lost:
        print_line(f"Its answer cites what is not found now: {', '.join(done.citations_lost)}.")


def _show_table(found: Table, console: Console) -> None:
    figures = [(name.replace("_", " "), str(value)) for name, value in found._asdict().items() if name != "lines"]
    console.print(table(("over all past questions", ""), figures))
    if found.worst:
        console.print(table(("overlap@10", "correlation", "answer", "query", "question"), [_row(line) for line in found.worst]))


def _row(line: Line) -> tuple[str, ...]:
    lost = f"{len(line.citations_lost)} citations lost" if line.citations_lost else ""
    answer = {True: "changed", False: lost or "same", None: lost or ""}[line.answer_changed]
    return f"{line.overlap_at_10:.2f}", f"{line.rank_correlation:.2f}", answer, line.query_id, escape(line.question[:_EXCERPT])


def _as_dict(done: Replayed) -> dict[str, Any]:
    then, now, difference = done.past.found, done.now, done.difference
    return {
        "query_id": then.query_id,
        "question": then.question,
        "then": {"time": then.time, "index": then.index.model_dump(), "plan": then.plan, "degraded": then.degraded},
        "now": {"index": now.index.model_dump(), "plan": now.plan, "degraded": now.degraded},
        "same": difference.same,
        "overlap_at_10": difference.overlap,
        "rank_correlation": difference.correlation,
        "chunks": [row._asdict() for row in difference.rows],
        "answer_changed": done.answer_changed,
        "citations_lost": done.citations_lost,
    }


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}"
