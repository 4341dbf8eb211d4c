"""`roxy preferences`: whether the topic of preference pairs is what the log says, and to make it so."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from opentelemetry import trace
from rich.markup import escape

from connectors.journal import open_journal
from connectors.observability import traceparent_of
from infra.index import Json, cluster_settings, print_json, print_line
from schemas.codec import Context
from schemas.settings import Settings
from streams.preferences.rebuild import Difference, difference, mend


def register(app: typer.Typer) -> None:
    """Add `roxy preferences`."""
    group = typer.Typer(name="preferences", help="Preference pairs, as a topic and as the log has them.", no_args_is_help=True)
    group.command("rebuild")(rebuild_command)
    group.callback()(preferences)
    app.add_typer(group)


def preferences() -> None:
    """Preference pairs, as a topic and as the log has them."""


def rebuild_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what differs; exit code 1 if something does.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the topic `preferences` with a replay of `feedback` and `answers`, and write what makes them agree."""
    found = asyncio.run(_found(cluster_settings(), dry_run=dry_run))
    if as_json:
        print_json(_as_dict(found, dry_run=dry_run))
    else:
        _show(found, dry_run=dry_run)
    if dry_run and found.size:
        raise typer.Exit(1)


async def _found(settings: Settings, *, dry_run: bool) -> Difference:
    context = Context("/roxy/cli", traceparent_of(trace.get_current_span()))
    async with open_journal(settings) as journal:
        if dry_run:
            return await difference(journal, implicit_weight=settings.implicit_weight)
        return await mend(journal, context, implicit_weight=settings.implicit_weight)


def _as_dict(found: Difference, *, dry_run: bool) -> dict[str, object]:
    pairs = {name: [pair.pair_id for pair in getattr(found, name)] for name in ("missing", "other")}
    return {"agreeing": found.agreeing, **pairs, "gone": list(found.gone), "mended": not dry_run}


def _show(found: Difference, *, dry_run: bool) -> None:
    for kind, pairs in (("missing", found.missing), ("other", found.other)):
        for pair in pairs:
            print_line(f"{kind:7}  {pair.pair_id}  {pair.signal} of {escape(pair.rater)} in {pair.session_id}")
    for pair_id in found.gone:
        print_line(f"gone     {escape(pair_id)}")
    what = "differ" if dry_run else "differed, and are mended"
    print_line(f"{found.agreeing} pairs agree; {found.size} {what}.")
