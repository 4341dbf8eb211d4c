"""`roxy regenerate`: another answer to a question of a session, as it is made, and how to say which one is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from infra.ask import Answer, show_end, to_its_end
from infra.client import Client
from schemas.errors import InvalidRegeneration
from schemas.events import answer_id_of
from schemas.settings import load_settings


def changed(given: Sequence[str]) -> dict[str, Any]:
    """`model_temperature=0.9` as the body has it: JSON, and where it is none the text itself. Raises InvalidRegeneration."""
    settings: dict[str, Any] = {}
    for one in given:
        name, sign, text = one.partition("=")
        if not name or not sign:
            raise InvalidRegeneration(f"{one!r} sets nothing.", remedy="Write --set name=value, such as --set model_temperature=0.9.")
        settings[name] = _value(text)
    return settings


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def register(app: typer.Typer) -> None:
    """Add `roxy regenerate`."""

    @app.command("regenerate")
    def regenerate_command(
        session: Annotated[str, typer.Argument(help="The session, as `roxy ask` names it.")],
        query: Annotated[str, typer.Argument(help="The question, as `roxy ask` names it.")],
        settings: Annotated[
            list[str] | None, typer.Option("--set", help="What it shall be made with: name=value, a setting without ROXY_. Again for others.")
        ] = None,
        look_up_again: Annotated[
            bool, typer.Option("--look-up-again", help="Search for the question anew, instead of using the same chunks.")
        ] = False,
        url: Annotated[str | None, typer.Option(help="Address of the API.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the answer's record.")] = False,
    ) -> None:
        """Ask for another answer to a question and watch it come."""
        console = Console()
        with Client(load_settings(), url) as client:
            accepted = client.regenerate(session, query, changed(settings or ()), look_up_again=look_up_again)
            records = client.events(session, after=accepted["cursor"], answer_id=accepted["answer_id"])
            answer = to_its_end(records, session, query, None if as_json else console)
        if as_json:
            typer.echo(orjson.dumps(answer.terminal).decode())
        else:
            show_end(answer, console)
            _show_comparing(answer, accepted["answer_id"], console)
        if not answer.completed:
            raise typer.Exit(1)


def _show_comparing(answer: Answer, answer_id: str, console: Console) -> None:
    if answer.completed:
        comparing = f"roxy feedback compare {answer.session_id} {answer_id} {answer_id_of(answer.query_id)}"
        console.print(f"  [dim]better than the first one? {comparing}[/]", soft_wrap=True, highlight=False)
