"""`roxy prompts`: the templates there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.language_model.prompting import FOLDER, template
from infra.cli import build
from infra.prompts import prompt_rows
from schemas.settings import Settings


def run(*arguments: str) -> str:
    done = CliRunner().invoke(build(["prompts"]), ["prompts", *arguments])
    assert 0 == done.exit_code, done.output
    return done.stdout


def test_ones_own_templates_are_listed_beside_those_that_roxy_brings(tmp_path: Path) -> None:
    """With the hash that the events have; of one that is not well formed, what is wrong."""
    text = (FOLDER / "answer.v1.md").read_text()
    (tmp_path / "mine.v1.md").write_text(text)
    (tmp_path / "wrong.v1.md").write_text("Speak!")
    rows = {row.name: row for row in prompt_rows(Settings(prompts_dir=tmp_path, prompt="mine.v1"))}

    assert {"answer.v1": False, "mine.v1": True, "wrong.v1": False} == {name: row.used for name, row in rows.items()}
    assert template().fingerprint == rows["answer.v1"].hash == rows["mine.v1"].hash
    assert "has not the sections" in rows["wrong.v1"].problem


def test_a_template_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is printed can be the beginning of one's own."""
    monkeypatch.setenv("ROXY_PROMPTS_DIR", str(tmp_path))
    (tmp_path / "mine.v1.md").write_text(run("show"))

    assert (FOLDER / "answer.v1.md").read_text() == run("show", "mine.v1")
    assert "mine.v1" in run("list")
    assert f'"hash":"{template().fingerprint}"' in run("show", "mine.v1", "--json")
