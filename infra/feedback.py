"""`roxy feedback`: what you think of an answer, from the terminal. The same as over HTTP, by it."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from infra.client import Client
from schemas.errors import InvalidInput
from schemas.settings import load_settings

Session = Annotated[str, typer.Argument(help="The session, as `roxy ask` names it.")]
Answer = Annotated[str | None, typer.Option(help="The answer; the session's last one if left out.")]
Citation = Annotated[int | None, typer.Option(help="About the chunk that this number in the answer's text stands for, instead of the answer.")]
Name = Annotated[str | None, typer.Option("--id", help="Names the feedback: given again under it, the later words count.")]
Url = Annotated[str | None, typer.Option(help="Address of the API.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add `roxy feedback`."""
    group = typer.Typer(name="feedback", help="Judge an answer; the last word about it counts.", no_args_is_help=True)
    for command in (thumb, stars, correct, compare, comment, tags, retract):
        group.command(command.__name__)(command)
    app.add_typer(group)


def thumb(
    session: Session,
    way: Annotated[str, typer.Argument(help="up or down.")],
    answer: Answer = None,
    citation: Citation = None,
    name: Name = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Thumb up or down."""
    if way not in ("up", "down"):
        raise InvalidInput(f"A thumb is not shown {way}.", remedy="Use up or down.")
    _give(session, {"answer_id": answer, "citation": citation, "feedback_id": name, "thumb": way}, url, as_json=as_json)


def stars(
    session: Session,
    count: Annotated[int, typer.Argument(min=1, max=5, help="1 to 5.")],
    answer: Answer = None,
    citation: Citation = None,
    name: Name = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """One to five stars."""
    _give(session, {"answer_id": answer, "citation": citation, "feedback_id": name, "stars": count}, url, as_json=as_json)


def correct(
    session: Session,
    text: Annotated[str, typer.Argument(help="The answer as it should have been; - reads it from stdin.")],
    answer: Answer = None,
    name: Name = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Say what the answer should have been."""
    _give(session, {"answer_id": answer, "feedback_id": name, "correction": _text(text)}, url, as_json=as_json)


def compare(
    session: Session,
    better: Annotated[str, typer.Argument(help="The answer that is better.")],
    worse: Annotated[str, typer.Argument(help="The other one, to the same question.")],
    shown: Annotated[list[str] | None, typer.Option(help="In which order they were shown: once for each answer.")] = None,
    name: Name = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Say which of two answers to a question is better."""
    _give(session, {"answer_id": better, "better_than": worse, "shown": shown, "feedback_id": name}, url, as_json=as_json)


def comment(
    session: Session,
    text: Annotated[str, typer.Argument(help="What you think of it; - reads it from stdin.")],
    answer: Answer = None,
    citation: Citation = None,
    name: Name = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Say it in words."""
    _give(session, {"answer_id": answer, "citation": citation, "feedback_id": name, "comment": _text(text)}, url, as_json=as_json)


def tags(
    session: Session,
    names: Annotated[list[str], typer.Argument(help="Reasons, such as outdated, too-long.")],
    answer: Answer = None,
    citation: Citation = None,
    name: Name = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Give reasons, a word each."""
    _give(session, {"answer_id": answer, "citation": citation, "feedback_id": name, "tags": names}, url, as_json=as_json)


def retract(
    session: Session, feedback_id: Annotated[str, typer.Argument(help="As it was told when you gave it.")], url: Url = None, as_json: Json = False
) -> None:
    """Take back what you have said."""
    with Client(load_settings(), url) as client:
        accepted = client.delete(f"/v1/sessions/{session}/feedback/{feedback_id}")
    _tell(accepted, "taken back", as_json=as_json)


def _give(session: str, wanted: dict[str, Any], url: str | None, *, as_json: bool) -> None:
    body = {field: value for field, value in wanted.items() if value is not None}
    with Client(load_settings(), url) as client:
        accepted = client.post(f"/v1/sessions/{session}/feedback", body)
    _tell(accepted, "noted", as_json=as_json)


def _tell(accepted: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(orjson.dumps(accepted).decode())
    else:
        typer.echo(f"Feedback {accepted['feedback_id']} on {accepted['answer_id']} is {what}.")


def _text(given: str) -> str:
    return typer.get_text_stream("stdin").read().strip() if given == "-" else given
