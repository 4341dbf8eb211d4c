"""`roxy index`: status, rebuild, swap, rollback, drop; infra/shared_index.py has the one in Weaviate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.environment import for_local_cluster, resolved_embedder
from infra.generations import IndexStatus, Swap, Total, drop, index_status, rebuild, swap
from schemas.errors import InvalidInput
from schemas.events import IndexGenerationRefused, IndexGenerationServed
from schemas.settings import Settings, load_settings
from streams.generations import LIVE
from streams.rebuild_index import Source
from streams.replay import Advance

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for the workers' word.")]

_SOURCES: dict[str, Source] = {"chunks": "chunks", "documents": "documents"}


def register(app: typer.Typer) -> None:
    """Add `roxy index`."""
    from infra.shared_index import shared

    group = typer.Typer(name="index", help="Generations of the index: look, build, swap.", no_args_is_help=True)
    for command in (status, rebuild_command, swap_command, rollback, drop_command, shared):
        group.command(command.__name__.removesuffix("_command"))(command)
    app.add_typer(group)


def status(as_json: Json = False) -> None:
    """Say which generation serves, which there are, and what lies on this machine."""
    found = asyncio.run(index_status(cluster_settings()))
    if as_json:
        print_json(_as_dict(found))
    else:
        _show(found, Console())


def rebuild_command(
    at: Annotated[
        str | None,
        typer.Option(help="As it was then: a time (2026-11-21T02:00:00Z), offsets of chunks (0:12,1:40), or query:ID. Such a one is frozen."),
    ] = None,
    source: Annotated[str | None, typer.Option("--from", help="chunks, or documents: cut and embedded with today's settings.")] = None,
    as_json: Json = False,
) -> None:
    """Build a generation from the log beside the one that serves, and verify it."""
    if source is not None and source not in _SOURCES:
        raise InvalidInput(f"--from {source} is nothing to build from.", remedy="Use chunks or documents.")
    with progress("Building", quiet=as_json) as (total, advance):
        built = asyncio.run(rebuild(cluster_settings(), at=at, source=_SOURCES[source] if source else None, total=total, advance=advance))
    if as_json:
        print_json(built.model_dump())
        return
    kind = "follows chunks" if built.live else "frozen"
    print_line(f"Generation [bold]{built.generation}[/] ({kind}) was built from {built.source} and verified: {built.chunks} chunks, {built.digest}.")
    if built.failed:
        print_line(f"{built.failed} documents could not be read and are left out.")
    print_line(f"Next: `roxy replay all --against {built.generation}`, `roxy index swap {built.generation}`.")


def swap_command(
    generation: Annotated[int, typer.Argument(help="Its number; 0: what every worker makes of chunks.")], wait: Wait = 60.0, as_json: Json = False
) -> None:
    """Let a generation serve."""
    _tell(asyncio.run(swap(cluster_settings(), generation, wait_s=wait)), as_json=as_json)


def rollback(wait: Wait = 60.0, as_json: Json = False) -> None:
    """Let the generation serve that did before the last swap."""
    _tell(asyncio.run(swap(cluster_settings(), None, wait_s=wait)), as_json=as_json)


def drop_command(generation: Annotated[int, typer.Argument(help="Its number.")], as_json: Json = False) -> None:
    """Take a generation's folder off this machine; not of one that serves, or that a rollback goes to."""
    freed = asyncio.run(drop(cluster_settings(), generation))
    if as_json:
        print_json({"generation": generation, "freed_bytes": freed})
    else:
        print_line(f"Generation [bold]{generation}[/] lies here no more: {freed / 2**20:.1f} MiB. A swap to it would build it out of the log again.")


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[tuple[Total, Advance]]:
    """A bar on stderr, on a terminal only: say how much there is, then how much was done."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.update(task, total=count), lambda count: bar.advance(task, count)


def print_line(markup: str) -> None:
    Console().print(markup, highlight=False, soft_wrap=True)


def cluster_settings() -> Settings:
    """As the processes that `roxy up` starts have them."""
    settings = for_local_cluster(load_settings())
    return settings.model_copy(update={"embedder": resolved_embedder(settings.embedder)})


def _tell(done: Swap, *, as_json: bool) -> None:
    refused = [report for report in done.reports if isinstance(report, IndexGenerationRefused)]
    if as_json:
        print_json({**done.event.model_dump(), "reports": [report.model_dump() for report in done.reports]})
    else:
        _show_swap(done)
    if refused:
        raise typer.Exit(1)


def _show_swap(done: Swap) -> None:
    print_line(f"Generation [bold]{done.event.generation}[/] is to serve instead of {done.event.before}.")
    for report in done.reports:
        if isinstance(report, IndexGenerationServed):
            print_line(f"[green]served[/] by {report.worker}: {report.chunks} chunks, {report.digest}")
        else:
            print_line(f"[red]refused[/] by {report.worker}, which goes on with {report.serves}: {report.detail} {report.remedy}")
    if not done.reports:
        print_line("No worker has said yet that it does: `roxy status` shows whether one is up. The swap holds for the next one that starts.")


def _show(found: IndexStatus, console: Console) -> None:
    generations = found.generations
    console.print(f"Generation [bold]{generations.serving}[/] serves. `chunks` ends at {_offsets(found.ends)}.", highlight=False, soft_wrap=True)
    rows = [
        (str(one.generation), "live" if one.live else "frozen", one.source, one.at or "", str(one.chunks), one.digest, one.time[:19])
        for one in generations.built.values()
    ]
    if rows:
        console.print(table(("generation", "kind", "from", "at", "chunks", "digest", "built"), rows))
    workers = [
        (one.worker, str(one.generation), "serves" if isinstance(one, IndexGenerationServed) else f"refused: {one.detail}", one.time[:19])
        for one in generations.workers.values()
    ]
    if workers:
        console.print(table(("worker", "generation", "said", "when"), workers))
    kept = [(one.folder.name, str(one.chunks), one.digest, f"{one.age_s:.0f} s", one.identity) for one in found.kept]
    if kept:
        console.print(table(("on this machine", "chunks", "digest", "age", "kind"), kept))


def _as_dict(found: IndexStatus) -> dict[str, Any]:
    generations = found.generations
    return {
        "serving": generations.serving,
        "before": generations.before if generations.swaps else LIVE,
        "generations": [one.model_dump() for one in generations.built.values()],
        "workers": [one.model_dump() for one in generations.workers.values()],
        "kept": [
            {**one._asdict(), "folder": str(one.folder), "offsets": {str(key): value for key, value in one.offsets.items()}} for one in found.kept
        ],
        "chunks_end": {str(partition): end for partition, end in sorted(found.ends.items())},
    }


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _offsets(offsets: Any) -> str:
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(offsets.items()))


def print_json(value: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(value).decode())
