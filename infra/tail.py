"""`roxy tail`: a session's records as they come."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from infra.client import Client, StreamedEvent
from schemas.events import answer_id_of
from schemas.settings import load_settings

_SHOWN = {
    "QueryAsked": ("text",),
    "RegenerationAsked": ("sibling", "look_up_again"),
    "ChunksRetrieved": ("took_ms", "degraded"),
    "GenerationStarted": ("model", "attempt", "resumes_at"),
    "TokensGenerated": ("index", "text"),
    "AnswerCompleted": ("tokens_end", "finish_reason", "took_ms"),
    "AnswerFailed": ("error", "detail", "remedy"),
    "AnswerCancelled": ("cancelled_by", "tokens_end"),
    "FeedbackGiven": ("thumb", "stars", "comment", "correction"),
    "gap": ("reason",),
    "error": ("detail", "remedy"),
}


def line_of(record: StreamedEvent) -> str:
    """One line of rich markup for a record."""
    shown = {name: record.event.get(name) for name in _SHOWN.get(record.type, ())}
    if record.type == "ChunksRetrieved":
        shown["chunks"] = len(record.event["chunks"])
    shown["of"] = _sibling(record.event)
    words = " ".join(f"{name}={_short(value)}" for name, value in shown.items() if value not in (None, [], ""))
    return f"[dim]{record.event.get('time', '')[11:23]}[/] [cyan]{escape(record.type):<18}[/] {escape(words)}"


def _sibling(event: dict[str, Any]) -> str | None:
    """Of another answer than its question's first one, its id."""
    answer_id = event.get("answer_id") or (event.get("sibling") or {}).get("answer_id")
    return None if answer_id == answer_id_of(event.get("query_id", "")) else answer_id


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return repr(text) if isinstance(value, str) else text


def register(app: typer.Typer) -> None:
    """Add `roxy tail`."""

    @app.command("tail")
    def tail_command(
        session: Annotated[str, typer.Argument(help="The session's id.")],
        after: Annotated[str | None, typer.Option(help="Go on at this cursor; `latest`: only what comes from now on.")] = None,
        query: Annotated[str | None, typer.Option(help="Only this query and its first answer, until it has ended.")] = None,
        answer: Annotated[str | None, typer.Option(help="Only this answer, until it has ended.")] = None,
        url: Annotated[str | None, typer.Option(help="Address of the API.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One record a line, as JSON.")] = False,
    ) -> None:
        """Follow a session's records; stop with Ctrl-C."""
        console = Console()
        with Client(load_settings(), url) as client:
            for record in client.events(session, after=after, query_id=query, answer_id=answer):
                if as_json:
                    typer.echo(orjson.dumps(record._asdict()).decode())
                else:
                    console.print(line_of(record), soft_wrap=True, highlight=False)
