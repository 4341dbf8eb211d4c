"""`roxy chaos`: traffic under faults, and what its history breaks. The harness lies in tests/robustness of a checkout; this starts it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from infra.environment import PROJECT
from infra.foreground import run_in_foreground
from schemas.errors import MissingExtra
from schemas.settings import PREFIX

_PACKAGES = ("httpx2", "numpy", "psutil", "rich", "time_machine", "uvicorn", "tantivy")


def register(app: typer.Typer) -> None:
    """Add `roxy chaos`."""
    app.command("chaos")(chaos)


def chaos(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long traffic and faults last.")] = 5.0,
    seed: Annotated[int | None, typer.Option(min=0, help="Of faults and clients: the same seed, the same faults. By chance if left out.")] = None,
    mix: Annotated[
        str,
        typer.Option(help="all | kills | workers | cluster | network | clocks | weaviate | storm | ci | short | calm: see docs/howto/try-faults.md."),
    ] = "all",
    folder: Annotated[Path | None, typer.Option(help="Of the history; below robustness-runs/ if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Break a Roxy of its own while clients use it, and say what did not hold."""
    require_harness(PROJECT)
    given = {"--minutes": minutes, "--seed": seed, "--mix": mix, "--folder": folder}
    options = [text for name, value in given.items() if value is not None for text in (name, str(value))]
    if code := run_harness([*options, *(["--json"] if as_json else [])]):
        raise typer.Exit(code)


def require_harness(project: Path, packages: Sequence[str] = _PACKAGES) -> None:
    """Raises MissingExtra."""
    if not (project / "tests/robustness/__main__.py").is_file():
        raise MissingExtra(
            "`roxy chaos` runs tests/robustness, which an installed package is without.", remedy="Run it from a checkout: ./roxy chaos."
        )
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"`roxy chaos` needs {', '.join(missing)}.", remedy="Install the extras `server` and `test`.")


def run_harness(options: Sequence[str]) -> int:
    """In a process of its own, with no setting of this one's: it chooses its own. Its exit code."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    argv = [sys.executable, "-m", "tests.robustness", *options]
    return run_in_foreground(argv, env={**env, "PYTHONPATH": str(PROJECT)})
