"""`roxy ask`: what a terminal shows while an answer is made."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from infra.ask import ask
from schemas.events import CachedAnswer
from tests.builders import chunks_retrieved, generation_started


class Client:
    """An API that found something, and answered."""

    def __init__(self, found: dict[str, Any], *told: dict[str, Any]) -> None:
        self._told = [found, *told]

    def create_session(self) -> str:
        return "t1"

    def ask(self, *_: object) -> dict[str, str]:
        return {"cursor": "c", "query_id": "q1"}

    def events(self, *_: object, **__: object) -> list[SimpleNamespace]:
        end = SimpleNamespace(type="AnswerCompleted", event={"type": "AnswerCompleted", "citations": []})
        return [*(SimpleNamespace(type=event["type"], event=event) for event in self._told), end]


@pytest.mark.parametrize(("degraded", "line"), [((), ""), (("vector", "rerank"), "searched without: vector, rerank\n")])
def test_who_asks_is_told_what_was_searched_without(degraded: tuple[str, ...], line: str) -> None:
    """One line, and none when all parts answered."""
    shown = StringIO()
    found = chunks_retrieved(degraded=degraded).model_dump(mode="json")
    ask(Client(found), "What is kept?", console=Console(file=shown))  # type: ignore[arg-type]

    assert line == shown.getvalue()


@pytest.mark.parametrize(
    ("cached", "line"),
    [
        (None, ""),
        (CachedAnswer(kind="exact", answer_id="a-q0"), "given before\n"),
        (CachedAnswer(kind="semantic", answer_id="a-q0", similarity=0.973), "given before, to a question that means the same (0.97)\n"),
    ],
)
def test_who_asks_is_told_that_an_answer_was_given_before(cached: CachedAnswer | None, line: str) -> None:
    """One line before its words."""
    shown, found = StringIO(), chunks_retrieved()
    started = generation_started(found).model_copy(update={"cached": cached})
    client = Client(found.model_dump(mode="json"), started.model_dump(mode="json"))
    ask(client, "What is kept?", console=Console(file=shown))  # type: ignore[arg-type]

    assert line == shown.getvalue()
