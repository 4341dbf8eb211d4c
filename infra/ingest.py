"""`roxy ingest`: files into the index, with progress, each failure told and none stopping the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import orjson
import structlog
import typer
from opentelemetry import trace
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connectors.journal import Follower, Journal, open_journal
from connectors.observability import traceparent_of
from infra.documents import Found, find_documents
from schemas.codec import Context, decode
from schemas.errors import InvalidDocument, InvalidInput
from schemas.events import TENANT, DocumentFailed, DocumentIndexed, DocumentSubmitted, Tenant
from schemas.record import Record
from schemas.settings import Settings, load_settings
from schemas.topics import INGESTIONS

_BATCH = 200
_SILENCE_S = 120.0  # a worker that has not finished one document in this time is away
_REFUSED = "Split it, or run `roxy topics`, which gives the topic the limit that the settings name."

log = structlog.get_logger(__name__)
Advance = Callable[[int], None]


class Ingested(NamedTuple):
    """What became of the documents."""

    indexed: list[DocumentIndexed]
    failed: list[DocumentFailed]
    waiting: int  #: submitted, but no worker had finished them when we stopped waiting
    refused: list[tuple[str, InvalidDocument]]  #: by the log, with the document's source


async def submit_and_wait(
    settings: Settings, documents: Sequence[DocumentSubmitted], *, wait: bool = True, advance: Advance = lambda _: None
) -> Ingested:
    """Write documents to `documents` and wait until a worker has indexed or refused each. Raises LogUnavailable."""
    async with open_journal(settings) as journal:
        start = await journal.ends(INGESTIONS)
        async with journal.follow(INGESTIONS, start) as follower:
            positions, refused = await submit(journal, documents)
            advance(len(refused))
            done = await _outcomes(follower, positions, advance) if wait else Ingested([], [], len(positions), [])
            return done._replace(refused=refused)


async def submit(journal: Journal, documents: Sequence[DocumentSubmitted]) -> tuple[set[str], list[tuple[str, InvalidDocument]]]:
    """The `causation` header that each outcome will carry, and what the log refused: that stops none of the others. Raises LogUnavailable."""
    context = Context("/roxy/cli", traceparent_of(trace.get_current_span()))
    positions: set[str] = set()
    refused: list[tuple[str, InvalidDocument]] = []
    for first in range(0, len(documents), _BATCH):
        batch = documents[first : first + _BATCH]
        try:
            positions.update(map(str, await journal.append_all(batch, context)))
        except InvalidInput:  # some may be written and which is not said: all go again, in order; what is unchanged costs nothing
            await _submit_each(journal, batch, context, positions, refused)
    return positions, refused


async def _submit_each(
    journal: Journal, batch: Sequence[DocumentSubmitted], context: Context, positions: set[str], refused: list[tuple[str, InvalidDocument]]
) -> None:
    for document in batch:
        try:
            positions.add(str(await journal.append(document, context)))
        except InvalidInput as error:
            refused.append((document.source, InvalidDocument(error.detail, remedy=_REFUSED)))


async def _outcomes(follower: Follower, waiting: set[str], advance: Advance) -> Ingested:
    done = Ingested([], [], 0, [])
    while waiting:
        records = await follower.read(timeout_s=_SILENCE_S)
        if not records:
            break
        for record in records:
            if (position := record.header("causation")) in waiting:
                waiting.discard(position)
                _sort(record, done)
                advance(1)
    return done._replace(waiting=len(waiting))


def _sort(record: Record, done: Ingested) -> None:
    match decode(record):
        case DocumentIndexed() as indexed:
            done.indexed.append(indexed)
        case DocumentFailed() as failed:
            done.failed.append(failed)


def ingest(
    settings: Settings, paths: Iterable[Path], *, tenant: str = "default", tags: tuple[str, ...] = (), wait: bool = True, console: Console
) -> tuple[Found, Ingested]:
    """Find, submit and wait, with a progress bar."""
    found = find_documents(paths, tenant=_checked(tenant), tags=tags, max_bytes=settings.max_document_bytes)
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Indexing", total=len(found.documents))
        done = asyncio.run(submit_and_wait(settings, found.documents, wait=wait, advance=lambda count: progress.advance(task, count)))
    return found, done


def _checked(tenant: str) -> str:
    try:
        return TypeAdapter(Tenant).validate_python(tenant)
    except ValidationError as error:
        raise InvalidInput(f"{tenant!r} is no tenant's name.", remedy=f"It matches {TENANT.pattern}.") from error


def show(found: Found, done: Ingested, console: Console) -> None:
    """A line of figures, and a line for each failure."""
    chunks, embedded = sum(one.chunks for one in done.indexed), sum(one.embedded for one in done.indexed)
    console.print(f"[green]{len(done.indexed)}[/] documents indexed: {chunks} chunks, {embedded} of them new or changed.", highlight=False)
    for name, error in [*found.refused, *done.refused]:
        console.print(f"[red]refused[/] {escape(str(error) if name in str(error) else f'{name}: {error}')}", soft_wrap=True, highlight=False)
    for one in done.failed:
        console.print(f"[red]failed[/] {escape(f'{one.document_id}: {one.detail} {one.remedy}')}", soft_wrap=True, highlight=False)
    if done.waiting:
        console.print(f"[yellow]{done.waiting}[/] documents wait for a worker: `roxy status` shows whether one is up.", highlight=False)


def register(app: typer.Typer) -> None:
    """Add `roxy ingest`."""

    @app.command("ingest")
    def ingest_command(
        paths: Annotated[list[Path], typer.Argument(help="Files and folders: md, txt, html, pdf, docx, json, jsonl.", exists=True)],
        tag: Annotated[list[str] | None, typer.Option(help="Tag for every document; may be repeated.")] = None,
        tenant: Annotated[str, typer.Option(help="Whose documents they are: only this tenant's questions find them.")] = "default",
        wait: Annotated[bool, typer.Option(help="Wait until they are indexed.")] = True,
        as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one object.")] = False,
    ) -> None:
        """Index documents."""
        console = Console(stderr=as_json)
        found, done = ingest(load_settings(), paths, tenant=tenant, tags=tuple(tag or ()), wait=wait, console=console)
        if as_json:
            typer.echo(_json(found, done))
        else:
            show(found, done, console)
        if found.refused or done.refused or done.failed or (wait and done.waiting):
            raise typer.Exit(1)


def _json(found: Found, done: Ingested) -> str:
    return orjson.dumps(
        {
            "indexed": [one.model_dump() for one in done.indexed],
            "failed": [one.model_dump() for one in done.failed],
            "refused": [
                {"name": name, "error": error.slug(), "detail": error.detail, "remedy": error.remedy}
                for name, error in [*found.refused, *done.refused]
            ],
            "waiting": done.waiting,
        }
    ).decode()
