"""`roxy feedback`: what each command sends."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from infra import feedback
from infra.client import Client

ACCEPTED = {"feedback_id": "f1", "query_id": "q1", "answer_id": "a-q1"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What comes to the API."""
    found: list[tuple[str, Any]] = []

    def send(client: Client, path: str, body: Any = None) -> dict[str, Any]:
        found.append((path, body))
        return ACCEPTED

    monkeypatch.setattr(Client, "post", send)
    monkeypatch.setattr(Client, "delete", send)
    return found


def run(*arguments: str, stdin: str | None = None) -> Any:
    app = typer.Typer()
    feedback.register(app)
    app.command("other")(lambda: None)  # Typer makes a group of one group the app itself
    return CliRunner().invoke(app, ["feedback", *arguments], input=stdin)


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["thumb", "t1", "up"], {"thumb": "up"}),
        (["stars", "t1", "4", "--answer", "a-q1", "--citation", "2"], {"answer_id": "a-q1", "citation": 2, "stars": 4}),
        (["correct", "t1", "Better.", "--id", "f1"], {"feedback_id": "f1", "correction": "Better."}),
        (["compare", "t1", "a-q1.1", "a-q1", "--shown", "a-q1", "--shown", "a-q1.1"], {"better_than": "a-q1", "shown": ["a-q1", "a-q1.1"]}),
        (["comment", "t1", "Well."], {"comment": "Well."}),
        (["tags", "t1", "outdated", "too-long"], {"tags": ["outdated", "too-long"]}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_judgement_is_sent_as_it_was_given(sent: list[tuple[str, Any]], arguments: list[str], body: dict[str, Any]) -> None:
    """And nothing beside it."""
    body = body | ({"answer_id": "a-q1.1"} if arguments[0] == "compare" else {})
    done = run(*arguments)

    assert (0, [("/v1/sessions/t1/feedback", body)]) == (done.exit_code, sent)
    assert "Feedback f1 on a-q1 is noted.\n" == done.stdout


def test_a_long_correction_comes_from_stdin(sent: list[tuple[str, Any]]) -> None:
    """An editor's output, say."""
    run("correct", "t1", "-", stdin="Better.\n\nMuch.\n")

    assert [{"correction": "Better.\n\nMuch."}] == [body for _, body in sent]


def test_feedback_is_taken_back_by_its_id(sent: list[tuple[str, Any]]) -> None:
    """With --json as the API told it."""
    done = run("retract", "t1", "f1", "--json")

    assert [("/v1/sessions/t1/feedback/f1", None)] == sent
    assert '{"feedback_id":"f1","query_id":"q1","answer_id":"a-q1"}\n' == done.stdout
