"""What the commands print: tables by rich, for people. `--json` goes round this module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra import kafka_install
from infra.status import Status
from infra.up import Running, Say, Up
from schemas.settings import PREFIX, ApiKey, Settings


class SettingRow(NamedTuple):
    name: str
    value: str  #: secrets masked; empty if not set
    is_set: bool  #: by the environment
    description: str


@contextmanager
def reporter(*, quiet: bool) -> Iterator[tuple[Say, kafka_install.Progress]]:
    """Two callbacks: what is being done, and how much of a download is there. They write to stderr, and only to a terminal."""
    console = Console(stderr=True, quiet=quiet)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", visible=False)

        def say(text: str) -> None:
            bar.reset(task, description=text, total=None, visible=True)

        def progress(done: int, total: int) -> None:
            bar.update(task, description="Fetching Kafka (once)", completed=done, total=total)

        yield say, progress


def show_up(started: Up) -> None:
    console = Console()
    console.print(_table(("", "where", "pid", "log"), [(_name(one), one.address, str(one.pid), one.log) for one in started.processes]))
    console.print(f"Kafka: {started.bootstrap}", highlight=False)
    if started.topics:
        console.print(f"Topics made or mended: {len({one.topic for one in started.topics if one.mends})}", highlight=False)
    if any(one.stale for one in started.processes):
        console.print("Some run with earlier settings: `roxy down`, then `roxy up`, to give them the present ones.")
    console.print("Next: `roxy ingest PATH`, `roxy ask QUESTION`, `roxy status`, `roxy down`.")


def show_status(found: Status) -> None:
    console = Console()
    if found.parts:
        rows = [
            (one.name, one.state, one.address, str(one.pid), _duration(one.uptime_s), f"{one.memory_mib:.0f} MiB", one.log) for one in found.parts
        ]
        console.print(_table(("", "state", "where", "pid", "up", "memory", "log"), rows))
    else:
        console.print("Nothing that `roxy up` started is running.")
    kind = "outside cluster" if found.outside else "local"
    state = f"{found.brokers} broker{'s' if found.brokers != 1 else ''}" if found.brokers else "not reached"
    console.print(f"Kafka ({kind}) {found.bootstrap}: {state}. State folder: {found.state_dir}", highlight=False, soft_wrap=True)


def show_settings(rows: list[SettingRow]) -> None:
    table = _table(("name", "value", "meaning"), [(f"[bold]{row.name}[/]" if row.is_set else row.name, row.value, row.description) for row in rows])
    Console().print(table)


def setting_rows(settings: Settings) -> list[SettingRow]:
    """Every setting, in the order of `schemas/settings.py`."""
    return [
        SettingRow(f"{PREFIX}{name.upper()}", _masked(getattr(settings, name)), name in settings.model_fields_set, field.description or "")
        for name, field in type(settings).model_fields.items()
    ]


def _masked(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "••••"
    if isinstance(value, tuple):
        return ", ".join(f"•••• ({key.tenant}/{key.subject}: {'+'.join(key.roles)})" if isinstance(key, ApiKey) else str(key) for key in value)
    return str(value)


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _name(one: Running) -> str:
    return one.name if one.started else f"{one.name} [dim](ran already{', earlier settings' if one.stale else ''})[/]"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
