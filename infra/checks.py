"""`roxy test`: style, types, import direction, then the tests. Every check runs, also after one has failed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from infra.environment import PROJECT
from infra.foreground import run_in_foreground
from schemas.settings import PREFIX

_NOT_FULL = ("-m", "not full")
_ONLY_FULL = ("-m", "full")
_PROCESSES = 4  # at most: each has a broker, which takes half a GiB


class Check(NamedTuple):
    """A command that must end 0."""

    name: str
    argv: tuple[str, ...]


class Outcome(NamedTuple):
    name: str
    exit_code: int
    seconds: float


#: Built once a machine, before the tests: no test has minutes.
_SERVERS = (
    Check("Weaviate's server", (sys.executable, "-m", "infra.weaviate_install")),
    Check("Ollama's server", (sys.executable, "-m", "infra.ollama_install")),
)


def planned_checks(*, full: bool, only_full: bool, pytest_args: Sequence[str] = ()) -> tuple[Check, ...]:
    """What to run: the base tier, the full tier too, or the full tier alone."""
    base = (*_static_checks(), _pytest("tests", _NOT_FULL, pytest_args or _side_by_side())) if not only_full else ()
    return (*base, *_SERVERS, _pytest("tests of the full tier", _ONLY_FULL, pytest_args)) if full or only_full else base


def run(checks: Sequence[Check]) -> list[Outcome]:
    """Run them one after the other, with their output on the terminal."""
    return [_run(check) for check in checks]


def _static_checks() -> tuple[Check, ...]:
    return (
        Check("style", (_program("ruff"), "check", ".")),
        Check("format", (_program("ruff"), "format", "--check", ".")),
        Check("types", (sys.executable, "-m", "mypy")),
        Check("import direction", (_program("lint-imports"),)),
    )


def _side_by_side() -> tuple[str, ...]:
    """Test files shared out over processes, each with a broker of its own: much of their time is waiting. For tests that are named one is enough."""
    return ("--numprocesses", str(min(os.cpu_count() or 1, _PROCESSES)), "--dist", "loadfile")


def _pytest(name: str, marks: tuple[str, ...], args: Sequence[str]) -> Check:
    return Check(name, (sys.executable, "-m", "pytest", *marks, *args))


def _program(name: str) -> str:
    """A program of this virtual environment."""
    return str(Path(sys.executable).with_name(name))


def _run(check: Check) -> Outcome:
    print(f"\n=== {check.name}", flush=True)
    began = time.monotonic()
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    code = run_in_foreground(check.argv, env={**env, "PYTHONPATH": str(PROJECT)}, cwd=PROJECT)
    return Outcome(check.name, code, time.monotonic() - began)
