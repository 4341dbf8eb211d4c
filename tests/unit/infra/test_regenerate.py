"""`roxy regenerate`: what is set, and what the terminal shows at the end."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from infra.ask import Answer, show_end
from infra.regenerate import changed
from schemas.errors import InvalidRegeneration


def test_what_is_set_is_json_and_else_a_text() -> None:
    """Numbers and truths without quotation marks, names too."""
    given = ["model_temperature=0.9", "self_check=true", "prompt=terse.v1", "language_model=ollama:a=b"]

    assert {"model_temperature": 0.9, "self_check": True, "prompt": "terse.v1", "language_model": "ollama:a=b"} == changed(given)


@pytest.mark.parametrize("given", ["model_temperature", "=0.9", ""])
def test_what_sets_nothing_is_refused(given: str) -> None:
    """Before anything is asked for."""
    with pytest.raises(InvalidRegeneration, match="sets nothing"):
        changed([given])


@pytest.mark.parametrize(("answer_id", "named"), [("a-q1", "session t1 · query q1"), ("a-q1.2", "session t1 · query q1 · answer a-q1.2")])
def test_the_end_says_how_to_go_on(answer_id: str, named: str) -> None:
    """By the names that `roxy regenerate` and `roxy feedback` take."""
    shown = StringIO()
    end = {"type": "AnswerCompleted", "citations": [], "answer_id": answer_id}
    show_end(Answer("t1", "q1", end), Console(file=shown))

    assert named == shown.getvalue().strip()
