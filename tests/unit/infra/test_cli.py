"""The command line, without running what it runs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.util import find_spec

import pytest
import typer

from infra.cli import ELSEWHERE, build
from infra.environment import PROJECT

ELSEWHERE_HERE = [name for name, one in ELSEWHERE.items() if find_spec(one.module) is not None]


def commands(app: typer.Typer) -> dict[str, object]:
    """Every command, of groups too, by name."""
    own = {info.name or "": info.callback for info in app.registered_commands}
    groups = [commands(group.typer_instance) for group in app.registered_groups if group.typer_instance is not None]
    return own | {f"{index} {name}": callback for index, group in enumerate(groups) for name, callback in group.items()}


@pytest.mark.parametrize("called", ["", *ELSEWHERE_HERE])
def test_no_command_is_a_coroutine(called: str) -> None:
    """Typer does not await a command: it would end 0 without having run."""
    coroutines = [name for name, callback in commands(build([called])).items() if inspect.iscoroutinefunction(callback)]

    assert coroutines == []


@pytest.mark.parametrize("called", ["", *ELSEWHERE_HERE])
def test_every_command_prints_json_if_asked(called: str) -> None:
    """Scripts read what people read."""
    found = commands(build([called]))
    lacking = [name for name, callback in found.items() if (not called or called in name) and "as_json" not in inspect.signature(callback).parameters]  # type: ignore[arg-type]

    assert set(lacking) <= ({*ELSEWHERE} if not called else set())


def test_help_imports_nothing_that_the_commands_need() -> None:
    """`roxy --help` answers at once."""
    heavy = "{'aiokafka', 'fastapi', 'faust', 'httpx2', 'jgo', 'rich', 'torch', 'numpy'}"
    code = f"import sys; from infra.cli import build; build(['--help']); print(sorted({heavy} & set(sys.modules)))"

    printed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_an_error_is_one_sentence_with_a_remedy() -> None:
    """No traceback; exit code 1."""
    env = {"ROXY_FOO": "1", "PYTHONPATH": str(PROJECT)}

    done = subprocess.run([sys.executable, "-m", "infra", "status"], env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == "roxy: Unknown setting ROXY_FOO. Run `roxy settings` to see every name, default and meaning.\n"
