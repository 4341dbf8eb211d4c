"""`roxy flags`: how the feature flags stand, to switch one, and who switched what, and why."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Sequence
from typing import Annotated

import typer
from opentelemetry import trace
from rich.console import Console
from rich.markup import escape

from connectors.journal import open_journal
from connectors.observability import traceparent_of
from infra.index import Json, cluster_settings, print_json, print_line, table
from schemas.codec import Context
from schemas.errors import InvalidInput
from schemas.events import FlagChanged
from schemas.flags import FLAG_NAMES, Flags, flag_changed
from schemas.http_bodies import FlagStatus
from schemas.settings import Settings
from schemas.topics import FLAGS
from streams.answering.flags import flag_changes, read_flags

_VALUES: dict[str, bool | None] = {"on": True, "off": False, "default": None}
_TENANT = "default"
Tenant = Annotated[str, typer.Option(help="Whose.")]


def register(app: typer.Typer) -> None:
    """Add `roxy flags`."""
    group = typer.Typer(name="flags", help="Feature flags: settings that are switched while everything runs.", no_args_is_help=True)
    group.command("list")(list_command)
    group.command("set")(set_command)
    group.command("history")(history_command)
    app.add_typer(group)


def list_command(tenant: Tenant = _TENANT, as_json: Json = False) -> None:
    """Say how each flag stands for a tenant, and by whom."""
    settings = cluster_settings()
    flags = asyncio.run(_flags(settings))
    found = [FlagStatus.of(flags.standing(name, tenant), settings) for name in FLAG_NAMES]
    if as_json:
        print_json({"tenant": tenant, "flags": [one.model_dump() for one in found]})
    else:
        rows = [(one.flag, "on" if one.value else "off", one.by, one.changed_by or "", one.reason or "") for one in found]
        _show(("flag", "is", "by", "who", "why"), rows)


def set_command(
    name: Annotated[str, typer.Argument(help="The flag.")],
    value: Annotated[str, typer.Argument(help="on, off, or default: as the settings say.")],
    tenant: Annotated[str | None, typer.Option(help="For whom; `default` if left out, which is everybody where no API keys are set.")] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="For all tenants that have not decided for themselves.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "",
    as_json: Json = False,
) -> None:
    """Switch a flag. Workers that run follow within a moment."""
    if value not in _VALUES:
        raise InvalidInput(f"{value} is no way to switch a flag.", remedy="Use on, off, or default.")
    if everywhere and tenant is not None:
        raise InvalidInput("A flag is switched for one tenant or everywhere.", remedy="Give --tenant or --everywhere.")
    who = getpass.getuser()
    change = flag_changed(name, _VALUES[value], tenant=tenant or _TENANT, everywhere=everywhere, changed_by=who, reason=reason)
    asyncio.run(_write(cluster_settings(), change))
    if as_json:
        print_json(change.model_dump())
    else:
        print_line(f"[bold]{change.flag}[/] is {value} {_whose(change)} from now on.")


def history_command(
    flag: Annotated[str | None, typer.Argument(help="One flag; all if left out.")] = None,
    as_json: Json = False,
) -> None:
    """List every change, the first one first: when, by whom, for whom, why."""
    changes = [change for change in asyncio.run(_changes(cluster_settings())) if flag in (None, change.flag)]
    if as_json:
        print_json({"changes": [change.model_dump() for change in changes]})
    else:
        words = {value: word for word, value in _VALUES.items()}
        rows = [(one.time[:19], one.flag, words[one.value], _whose(one), one.changed_by, one.reason) for one in changes]
        _show(("when", "flag", "to", "for", "who", "why"), rows)


async def _flags(settings: Settings) -> Flags:
    flags = Flags()
    async with open_journal(settings) as journal:
        await read_flags(journal, flags)
    return flags


async def _changes(settings: Settings) -> list[FlagChanged]:
    async with open_journal(settings) as journal:
        return await flag_changes(journal, await journal.ends(FLAGS))


async def _write(settings: Settings, change: FlagChanged) -> None:
    async with open_journal(settings) as journal:
        await journal.append(change, Context("/roxy/flags", traceparent_of(trace.get_current_span())))


def _show(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    Console().print(table(columns, [tuple(map(escape, row)) for row in rows]))


def _whose(change: FlagChanged) -> str:
    return "everywhere" if change.everywhere else f"for {change.tenant}"
