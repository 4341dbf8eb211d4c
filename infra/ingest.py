"""`roxy ingest`: files into the index, with progress, each failure told and none stopping the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
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

from connectors.journal import Journal, open_journal
from connectors.observability import traceparent_of
from infra.documents import Found, Refused, find_documents
from schemas.codec import Context, decode
from schemas.errors import InvalidDocument, InvalidInput
from schemas.events import TENANT, DocumentFailed, DocumentIndexed, DocumentSubmitted, Event, IngestionProgressed, Tenant
from schemas.record import Record
from schemas.settings import Settings, load_settings
from schemas.topics import INGESTIONS

_BATCH = 200  # documents written in one go
_BATCH_BYTES = 8 * 1024 * 1024  # of their contents, or one that is larger
_SILENCE_S = 120.0  # a worker that has not got on with any document in this time is away
_REFUSED = "Split it, or run `roxy topics`, which gives the topic the limit that the settings name."

log = structlog.get_logger(__name__)
Advance = Callable[[float, str], None]  #: by how many documents, and what is under way


class Ingested(NamedTuple):
    """What became of the documents."""

    indexed: list[DocumentIndexed]
    failed: list[DocumentFailed]
    waiting: int  #: submitted, but no worker had finished them when we stopped waiting
    refused: list[Refused]  #: by the log, with the document's source

    def total(self) -> Counter[str]:
        """Chunks of all documents, by what was done for them."""
        kinds = ("chunks", "kept", "reused", "embedded", "removed")
        return Counter({kind: sum(getattr(one, kind) for one in self.indexed) for kind in kinds})


async def submit_and_wait(
    settings: Settings, documents: Iterable[DocumentSubmitted], *, wait: bool = True, advance: Advance = lambda _count, _what: None
) -> Ingested:
    """Write documents to `documents` and wait until a worker has indexed or refused each. They are taken from the iterable in a thread.

    Raises LogUnavailable.
    """
    outcomes, refused = Outcomes(advance), list[Refused]()
    async with open_journal(settings) as journal:
        start = await journal.ends(INGESTIONS)
        async with journal.follow(INGESTIONS, start) as follower:
            batches = _batches(documents)
            while batch := await asyncio.to_thread(next, batches, ()):
                positions, not_taken = await submit(journal, batch)
                refused += not_taken
                advance(len(not_taken), "")
                outcomes.expect(positions)
                outcomes.take(await follower.read(0.0))
            while wait and outcomes.waiting and (records := await follower.read(_SILENCE_S)):
                outcomes.take(records)
    return Ingested(outcomes.indexed, outcomes.failed, len(outcomes.waiting), refused)


def _batches(documents: Iterable[DocumentSubmitted]) -> Iterator[Sequence[DocumentSubmitted]]:
    batch, size = list[DocumentSubmitted](), 0
    for document in documents:
        if batch and (len(batch) == _BATCH or size + len(document.content) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document.content)
    if batch:
        yield batch


class Outcomes:
    """What `ingestions` says of the documents that are waited for."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self.waiting: dict[str, float] = {}  #: by the `causation` header that the outcome will carry: how much of it is done
        self.indexed: list[DocumentIndexed] = []
        self.failed: list[DocumentFailed] = []

    def expect(self, positions: Iterable[str]) -> None:
        self.waiting |= dict.fromkeys(positions, 0.0)

    def take(self, records: Iterable[Record]) -> None:
        for record in records:
            if (position := record.header("causation") or "") in self.waiting:
                self._take(position, decode(record))

    def _take(self, position: str, event: Event) -> None:
        match event:
            case IngestionProgressed():
                self._move(position, event.done / event.chunks, f"{event.document_id}: {event.done:,} of {event.chunks:,} chunks")
                return
            case DocumentIndexed():
                self.indexed.append(event)
            case DocumentFailed():
                self.failed.append(event)
        self._move(position, 1.0, "")
        del self.waiting[position]

    def _move(self, position: str, done: float, what: str) -> None:
        self._advance(done - self.waiting[position], what)
        self.waiting[position] = done


async def submit(journal: Journal, batch: Sequence[DocumentSubmitted]) -> tuple[set[str], list[Refused]]:
    """The `causation` header that each outcome will carry, and what the log refused: that stops none of the others. Raises LogUnavailable."""
    context = Context("/roxy/cli", traceparent_of(trace.get_current_span()))
    try:
        return set(map(str, await journal.append_all(batch, context))), []
    except InvalidInput:  # some may be written and which is not said: all go again, in order; what is unchanged costs nothing
        return await _submit_each(journal, batch, context)


async def _submit_each(journal: Journal, batch: Sequence[DocumentSubmitted], context: Context) -> tuple[set[str], list[Refused]]:
    positions, refused = set[str](), list[Refused]()
    for document in batch:
        try:
            positions.add(str(await journal.append(document, context)))
        except InvalidInput as error:
            refused.append((document.source, InvalidDocument(error.detail, remedy=_REFUSED)))
    return positions, refused


def ingest(
    settings: Settings, paths: Iterable[Path], *, tenant: str = "default", tags: tuple[str, ...] = (), wait: bool = True, console: Console
) -> tuple[Found, Ingested]:
    """Find, submit and wait, with a progress bar: a large document moves it chunk by chunk."""
    found = find_documents(paths, tenant=_checked(tenant), tags=tags, max_bytes=settings.max_document_bytes)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task, moved = progress.add_task("Indexing", total=found.total), 0.0

        def advance(count: float, what: str) -> None:
            nonlocal moved
            moved += count
            progress.update(task, description=escape(what) or "Indexing", total=found.total, completed=moved + len(found.refused))

        done = asyncio.run(submit_and_wait(settings, found.documents, wait=wait, advance=advance))
    return found, done


def _checked(tenant: str) -> str:
    try:
        return TypeAdapter(Tenant).validate_python(tenant)
    except ValidationError as error:
        raise InvalidInput(f"{tenant!r} is no tenant's name.", remedy=f"It matches {TENANT.pattern}.") from error


def show(found: Found, done: Ingested, console: Console) -> None:
    """A line of figures, and a line for each failure."""
    total = done.total()
    console.print(
        f"[green]{len(done.indexed):,}[/] documents indexed: {total['chunks']:,} chunks, of them {total['kept']:,} kept as they were, "
        f"{total['reused']:,} with a known vector, {total['embedded']:,} new; {total['removed']:,} removed.",
        highlight=False,
        soft_wrap=True,
    )
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
            "total": done.total(),
        }
    ).decode()
