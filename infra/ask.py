"""`roxy ask`: a question from the terminal, its answer as it is made, its sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from infra.client import Client, StreamedEvent
from schemas.errors import RoxyError
from schemas.event import rfc3339
from schemas.events import NO_FILTERS, TERMINAL, Filters, answer_id_of
from schemas.settings import load_settings

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


class Answer(NamedTuple):
    """An answer as it ended."""

    session_id: str
    query_id: str
    terminal: dict[str, Any]

    @property
    def completed(self) -> bool:
        return bool(self.terminal["type"] == "AnswerCompleted")


class AnswerFailedError(RoxyError):
    """The question could not be answered. Its own words say why."""


def ask(client: Client, text: str, *, session_id: str | None = None, filters: Filters = NO_FILTERS, console: Console | None = None) -> Answer:
    """Ask and wait for the end; on `console` the tokens appear as they come."""
    session_id = session_id or client.create_session()
    accepted = client.ask(session_id, text, filters)
    return to_its_end(client.events(session_id, after=accepted["cursor"], query_id=accepted["query_id"]), session_id, accepted["query_id"], console)


def to_its_end(records: Iterator[StreamedEvent], session_id: str, query_id: str, console: Console | None) -> Answer:
    """Wait for an answer's end; on `console` its tokens appear as they come."""
    texts: list[str] = []
    for record in records:
        if record.type in TERMINAL:
            return Answer(session_id, query_id, record.event)
        if console is not None:
            _show(record.type, record.event, texts, console)
    raise AnswerFailedError("The stream ended before the answer did.")


def show_end(answer: Answer, console: Console) -> None:
    """The sources, or why there is no answer; and what the answer is called, for who wants to go on with it."""
    _show_end(answer.terminal, console, whole=answer.completed)
    named = f"session {answer.session_id} · query {answer.query_id}"
    sibling = answer.terminal.get("answer_id") if answer.terminal.get("answer_id") != answer_id_of(answer.query_id) else None
    console.print(f"  [dim]{named}{f' · answer {sibling}' if sibling else ''}[/]", soft_wrap=True, highlight=False)


def _show_end(terminal: dict[str, Any], console: Console, *, whole: bool) -> None:
    console.print()
    if not whole:
        console.print(f"[red]{escape(terminal.get('detail', 'The answer was cancelled.'))}[/] {escape(terminal.get('remedy', ''))}")
        return
    for citation in terminal["citations"]:
        path = " › ".join(dict.fromkeys([citation["title"], *citation["heading_path"]]))
        console.print(f"  [cyan]\\[{citation['number']}][/] {escape(path)} [dim]{escape(citation['source'])}[/]", soft_wrap=True)


def understood_as(found: dict[str, Any]) -> str | None:
    """One line on what was looked up, if that is more than the question's own words."""
    understanding = found["understanding"]
    rewritten = understanding["text"] if understanding["follows"] else None
    parts = [rewritten and f"understood as: {rewritten}", understanding["expansions"] and f"also: {', '.join(understanding['expansions'])}"]
    return " · ".join(part for part in parts if part) or None


def searched_without(found: dict[str, Any]) -> str | None:
    """One line on the parts of the search that did not answer."""
    return f"searched without: {', '.join(found['degraded'])}" if found["degraded"] else None


def given_before(started: dict[str, Any]) -> str | None:
    """One line on an answer that is given again."""
    cached = started["cached"]
    if cached is None:
        return None
    return "given before" if cached["kind"] == "exact" else f"given before, to a question that means the same ({cached['similarity']:.2f})"


def _show(kind: str, event: dict[str, Any], texts: list[str], console: Console) -> None:
    if kind == "TokensGenerated":
        texts.append(event["text"])
        console.print(escape(event["text"]), end="", soft_wrap=True, highlight=False)
    elif kind == "GenerationStarted":
        _show_start(event, texts, console)
    elif kind == "ChunksRetrieved":
        for line in filter(None, (understood_as(event), searched_without(event))):
            console.print(f"[dim]{escape(line)}[/]", soft_wrap=True, highlight=False)
    elif kind == "gap":
        console.print(f"\n[dim]records are missing here: {escape(event['reason'])}[/]", soft_wrap=True)
    elif kind == "error":
        console.print(f"\n[dim]the stream broke off and goes on: {escape(event.get('detail', ''))}[/]", soft_wrap=True)


def _show_start(event: dict[str, Any], texts: list[str], console: Console) -> None:
    if event["resumes_at"] < len(texts):
        del texts[event["resumes_at"] :]
        console.print(f"\n[dim]begun anew[/]\n{escape(''.join(texts))}", end="", soft_wrap=True)
    elif line := given_before(event):
        console.print(f"[dim]{line}[/]", soft_wrap=True, highlight=False)


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def register(app: typer.Typer) -> None:
    """Add `roxy ask`."""

    @app.command("ask")
    def ask_command(
        question: Annotated[str, typer.Argument(help="What you want to know.")],
        session: Annotated[str | None, typer.Option(help="Go on in this session.")] = None,
        source: Annotated[list[str] | None, typer.Option(help="Only documents from there; may end in `*`. Again for others.")] = None,
        tag: Annotated[list[str] | None, typer.Option(help="Only documents with this tag. Again for others.")] = None,
        since: Annotated[datetime | None, typer.Option(formats=_TIMES, help="Only what was written, or changed, then or later (UTC).")] = None,
        until: Annotated[datetime | None, typer.Option(formats=_TIMES, help="And before then (UTC).")] = None,
        url: Annotated[str | None, typer.Option(help="Address of the API.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the answer's record.")] = False,
    ) -> None:
        """Ask a question and watch the cited answer come."""
        console = Console()
        filters = Filters(sources=tuple(source or ()), tags=tuple(tag or ()), since=_utc(since), until=_utc(until))
        with Client(load_settings(), url) as client:
            answer = ask(client, question, session_id=session, filters=filters, console=None if as_json else console)
        if as_json:
            typer.echo(orjson.dumps(answer.terminal).decode())
        else:
            show_end(answer, console)
        if not answer.completed:
            raise typer.Exit(1)
