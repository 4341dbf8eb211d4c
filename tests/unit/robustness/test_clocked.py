"""A process whose clock is set under it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.robustness import clocked

PROJECT = Path(clocked.__file__).parent.parent.parent
CHILD = """
import time
from datetime import UTC, datetime

while True:
    print(time.time(), time.time_ns() / 1e9, datetime.now(UTC).timestamp(), time.monotonic(), flush=True)
    time.sleep(0.02)
"""
NEARLY_S = 20.0  # a busy machine's


class Told(NamedTuple):
    """By how many seconds the child's clocks are ahead of ours."""

    time: float
    nanoseconds: float
    datetime: float
    monotonic: float

    def all_ahead_by(self, seconds: float) -> bool:
        return all(abs(ahead - seconds) < NEARLY_S for ahead in self[:3])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clocks" / "child"


@pytest.fixture
def child(tmp_path: Path, file: Path) -> Iterator[Iterator[Told]]:
    (tmp_path / "telling.py").write_text(CHILD)
    env = {**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{tmp_path}", clocked.VARIABLE: str(file)}
    argv = [sys.executable, "-P", "-m", clocked.__name__, "telling"]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield (told(line) for line in process.stdout)
        process.kill()


def told(line: str) -> Told:
    *walls, monotonic = map(float, line.split())
    return Told(*(wall - time.time() for wall in walls), monotonic - time.monotonic())


def test_it_is_set_forward_and_back_and_right_again(child: Iterator[Told], file: Path) -> None:
    """What is counted from the machine's start goes on as if nothing were."""
    seen = [next(child)]
    for ahead_s in (50.0, -50.0, 0.0):
        clocked.set_clock(file, ahead_s)
        seen.append(next(one for one in child if one.all_ahead_by(ahead_s)))

    assert seen[0].all_ahead_by(0)
    assert all(abs(one.monotonic) < NEARLY_S for one in seen)
