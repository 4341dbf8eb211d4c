"""`roxy usage`: tokens and cost of all answers, by tenant and model, read from topic `answers`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Annotated

import typer
from rich.console import Console

from connectors.journal import open_journal
from infra.index import Json, cluster_settings, print_json, progress, table
from schemas.codec import decoded
from schemas.record import Record
from schemas.settings import Settings
from schemas.spending import End, Spending, Spent
from schemas.topics import ANSWERS
from streams.positions import milliseconds
from streams.replay import Advance, history, length


def register(app: typer.Typer) -> None:
    """Add `roxy usage`."""

    @app.command("usage")
    def usage_command(
        tenant: Annotated[str | None, typer.Option(help="Of this one only.")] = None,
        since: Annotated[str | None, typer.Option(help="Answers that ended then or later: 2026-11-01 or 2026-11-01T10:00:00Z.")] = None,
        until: Annotated[str | None, typer.Option(help="And before then.")] = None,
        as_json: Json = False,
    ) -> None:
        """What answers took: tokens, and money by ROXY_PRICES."""
        with progress("Reading", quiet=as_json) as (total, advance):
            span = (0 if since is None else milliseconds(since), None if until is None else milliseconds(until))
            found = asyncio.run(usage(cluster_settings(), tenant, span, total=total, advance=advance))
        if as_json:
            print_json({"tenants": {name: [spent._asdict() for spent in models] for name, models in found.items()}})
        else:
            _show(found)


async def usage(
    settings: Settings, tenant: str | None, span: tuple[int, int | None], *, total: Advance = lambda _: None, advance: Advance = lambda _: None
) -> dict[str, list[Spent]]:
    """By tenant. `span`: from then on, and before then, in milliseconds since 1970. Raises LogUnavailable."""
    spending: defaultdict[str, Spending] = defaultdict(Spending)
    async with open_journal(settings) as journal:
        end = await journal.ends(ANSWERS)
        total(await length(journal, ANSWERS, end))
        async for records in history(journal, ANSWERS, end, advance=advance):
            for record in records:
                answer = _answer(record, tenant, span)
                if answer is not None:
                    spending[answer.tenant].add(answer)
    return {name: spending[name].by_model() for name in sorted(spending)}


def _answer(record: Record, tenant: str | None, span: tuple[int, int | None]) -> End | None:
    """If it is wanted. By headers and timestamp alone, most that are not need not be decoded."""
    since, until = span
    if record.timestamp < since or (until is not None and record.timestamp >= until) or tenant not in (None, record.header("tenant")):
        return None
    event = decoded(record)
    return event if isinstance(event, End) else None


def _show(found: dict[str, list[Spent]]) -> None:
    rows = [
        (tenant, spent.model, f"{spent.answers:,}", f"{spent.prompt_tokens:,}", f"{spent.completion_tokens:,}", _money(spent))
        for tenant, models in found.items()
        for spent in models
    ]
    Console().print(table(("tenant", "model", "answers", "tokens read", "tokens written", "cost"), rows) if rows else "No answers yet.")


def _money(spent: Spent) -> str:
    return " ".join(f"{amount:,.4f} {currency}" for currency, amount in spent.cost.items())
