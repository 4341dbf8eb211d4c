"""Runs `roxy` as a user does: a process of its own, told by its environment."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, NamedTuple

from infra.environment import environment
from schemas.settings import PREFIX, Settings


class Ran(NamedTuple):
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.stdout)
        return parsed


def roxy(settings: Settings, *arguments: str) -> Ran:
    """Run a command with these settings; those that were left at their defaults are not told, as with a user."""
    told = {f"{PREFIX}{name.upper()}" for name in settings.model_fields_set}
    env = {name: value for name, value in environment(settings).items() if not name.startswith(PREFIX) or name in told}
    done = subprocess.run([sys.executable, "-P", "-m", "infra", *arguments], env=env, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)
