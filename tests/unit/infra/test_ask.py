"""`roxy ask`: what a terminal shows while an answer is made."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from infra.ask import ask
from tests.builders import chunks_retrieved


class Client:
    """An API that found something, and answered."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found

    def create_session(self) -> str:
        return "t1"

    def ask(self, *_: object) -> dict[str, str]:
        return {"cursor": "c", "query_id": "q1"}

    def events(self, *_: object, **__: object) -> list[SimpleNamespace]:
        end = SimpleNamespace(type="AnswerCompleted", event={"type": "AnswerCompleted", "citations": []})
        return [SimpleNamespace(type="ChunksRetrieved", event=self._found), end]


@pytest.mark.parametrize(("degraded", "line"), [((), ""), (("vector", "rerank"), "searched without: vector, rerank\n")])
def test_who_asks_is_told_what_was_searched_without(degraded: tuple[str, ...], line: str) -> None:
    """One line, and none when all parts answered."""
    shown = StringIO()
    found = chunks_retrieved(degraded=degraded).model_dump(mode="json")
    ask(Client(found), "What is kept?", console=Console(file=shown))  # type: ignore[arg-type]

    assert line == shown.getvalue()
