"""`roxy review`: what each command asks the API, and what it prints."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from infra import review
from infra.client import Client

LISTED = {
    "proposal_id": "p-1.2f",
    "judged_at": "2026-11-01T10:00:00.000Z",
    "rater": "ann",
    "question": "What [bold]is[/] kept?",
    "excerpt": "All\nof it.",
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What comes to the API."""
    found: list[Any] = []

    def get(client: Client, path: str) -> dict[str, Any]:
        found.append(path)
        return {"proposals": [LISTED], "total": 1} if "?" in path else {**LISTED, "feedback": ["f1"], "reason": None}

    def post(client: Client, path: str, body: Any) -> dict[str, Any]:
        found.append((path, body))
        return {"document_id": "corrections/p-1" if body["verdict"] == "approved" else None}

    monkeypatch.setattr(Client, "get", get)
    monkeypatch.setattr(Client, "post", post)
    return found


def run(*arguments: str) -> str:
    app = typer.Typer()
    review.register(app)
    app.command("other")(lambda: None)  # Typer makes a group of one group the app itself
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["review", *arguments])
    assert 0 == done.exit_code, done.output
    return done.stdout


def test_the_queue_is_listed_line_by_line(sent: list[Any]) -> None:
    """Brackets in a question are no markup."""
    told = run("list", "--status", "rejected")

    assert ["/v1/review?status=rejected&limit=50"] == sent
    assert "What [bold]is[/] kept?" in told
    assert "All of it." in told
    assert "1 rejected." in told


def test_one_correction_is_shown_whole(sent: list[Any]) -> None:
    """Without what is not known of it."""
    told = run("show", "p-1.2f")

    assert ["/v1/review/p-1.2f"] == sent
    assert "f1" in told
    assert "reason" not in told


def test_a_decision_is_sent_with_its_reason(sent: list[Any]) -> None:
    """And the document that comes of it is named."""
    told = run("approve", "p-1.2f", "--reason", "So it is."), run("reject", "p-1.2f")

    assert [{"verdict": "approved", "reason": "So it is."}, {"verdict": "rejected", "reason": ""}] == [body for _, body in sent]
    assert "p-1.2f is approved. It becomes the document corrections/p-1." in told[0]
    assert "p-1.2f is rejected.\n" == told[1]
