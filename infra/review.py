"""`roxy review`: corrections that may become documents. The same as over HTTP, by it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from infra.client import Client
from infra.index import Json, print_json, print_line, table
from schemas.settings import load_settings

Proposal = Annotated[str, typer.Argument(help="The proposal's id, as `roxy review list` names it.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever asks later.")]
Url = Annotated[str | None, typer.Option(help="Address of the API.")]
_EXCERPT = 80


def register(app: typer.Typer) -> None:
    """Add `roxy review`."""
    group = typer.Typer(name="review", help="Corrections of answers: look at them, and make documents of those that are right.", no_args_is_help=True)
    for command in (list_command, show, approve, reject):
        group.command(command.__name__.removesuffix("_command"))(command)
    app.add_typer(group)


def list_command(
    status: Annotated[Literal["waiting", "approved", "rejected"], typer.Option(help="Which ones.")] = "waiting",
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many of them.")] = 50,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List the corrections that wait for a decision, the oldest first."""
    with Client(load_settings(), url) as client:
        found = client.get(f"/v1/review?status={status}&limit={limit}")
    if as_json:
        print_json(found)
        return
    rows = [tuple(escape(text) for text in _row(each)) for each in found["proposals"]]
    if rows:
        Console().print(table(("proposal", "when", "who", "question", "correction"), rows))
    print_line(f"{found['total']} {status}.")


def show(proposal: Proposal, url: Url = None, as_json: Json = False) -> None:
    """Show what was asked and answered, and what the correction says instead."""
    with Client(load_settings(), url) as client:
        found = client.get(f"/v1/review/{proposal}")
    if as_json:
        print_json(found)
        return
    rows = [(name.replace("_", " "), escape(_words(value))) for name, value in found.items() if value not in (None, "")]
    Console().print(table(("", ""), rows))


def approve(proposal: Proposal, reason: Reason = "", url: Url = None, as_json: Json = False) -> None:
    """Make a document of a correction."""
    _decide(proposal, "approved", reason, url, as_json=as_json)


def reject(proposal: Proposal, reason: Reason = "", url: Url = None, as_json: Json = False) -> None:
    """Make none of it."""
    _decide(proposal, "rejected", reason, url, as_json=as_json)


def _decide(proposal: str, verdict: str, reason: str, url: str | None, *, as_json: bool) -> None:
    with Client(load_settings(), url) as client:
        accepted = client.post(f"/v1/review/{proposal}", {"verdict": verdict, "reason": reason})
    if as_json:
        print_json(accepted)
    else:
        becomes = f" It becomes the document {accepted['document_id']}." if accepted["document_id"] else ""
        print_line(escape(f"{proposal} is {verdict}.{becomes}"))


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    return each["proposal_id"], each["judged_at"][:16], each["rater"], each["question"][:_EXCERPT], " ".join(each["excerpt"].split())[:_EXCERPT]


def _words(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
