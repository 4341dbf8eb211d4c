"""`roxy contracts`: writes what the schemas say, and tells what does not agree with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from infra.contracts import register
from schemas.contracts import contract_files

CLI = CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)  # with one command only, Typer leaves its name out
    return app


@pytest.fixture
def written(app: typer.Typer, tmp_path: Path) -> Path:
    CLI.invoke(app, ["contracts", "--root", str(tmp_path)])
    return tmp_path


def test_everything_is_written_as_the_schemas_say(written: Path) -> None:
    """All files, byte for byte, and no other."""
    found = {str(path.relative_to(written)): path.read_bytes().decode() for path in written.rglob("*") if path.is_file()}

    assert found == contract_files()


def test_a_check_of_what_was_just_written_passes(app: typer.Typer, written: Path) -> None:
    """Ends 0 and says so."""
    result = CLI.invoke(app, ["contracts", "--check", "--root", str(written)])

    assert (result.exit_code, result.stdout) == (0, "docs/ agrees with schemas/.\n")


def test_a_check_names_what_drifted_and_changes_nothing(app: typer.Typer, written: Path) -> None:
    """A changed file, a missing one, and one that stands for no event; ends 1."""
    (written / "docs/asyncapi.json").write_text("{}")
    (written / "docs/events.md").unlink()
    (written / "docs/events/Forgotten.v1.json").write_text("{}")
    result = CLI.invoke(app, ["contracts", "--check", "--root", str(written)])

    names = "docs/asyncapi.json, docs/events.md, docs/events/Forgotten.v1.json (stands for no event)"
    assert result.exit_code == 1
    assert result.stderr == f"Out of step with schemas/: {names}. Run `roxy contracts` and commit what it writes.\n"
    assert (written / "docs/asyncapi.json").read_text() == "{}"
    assert (written / "docs/events/Forgotten.v1.json").exists()


def test_writing_mends_what_drifted(app: typer.Typer, written: Path) -> None:
    """And takes away what stands for no event."""
    (written / "docs/events.md").unlink()
    (written / "docs/events/Forgotten.v1.json").write_text("{}")
    result = CLI.invoke(app, ["contracts", "--root", str(written), "--json"])

    assert json.loads(result.stdout) == {"changed": ["docs/events.md"], "left_over": ["docs/events/Forgotten.v1.json"], "written": True}
    assert CLI.invoke(app, ["contracts", "--check", "--root", str(written)]).exit_code == 0


def test_a_later_version_than_todays_stands_for_no_event(app: typer.Typer, written: Path) -> None:
    """Schemas of older versions are kept, of versions to come there are none."""
    (written / "docs/events/QueryAsked.v9.json").write_text("{}")
    result = CLI.invoke(app, ["contracts", "--check", "--root", str(written), "--json"])

    assert json.loads(result.stdout) == {"changed": [], "left_over": ["docs/events/QueryAsked.v9.json"], "written": False}
    assert result.exit_code == 1
