"""Detached children: started, found again, stopped; never confused with another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from infra import processes
from infra.environment import PROJECT
from infra.processes import Child
from schemas.errors import LocalProcessError

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
DEAF = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A state folder; nothing that was started from it is left."""
    yield tmp_path
    processes.stop(tmp_path, processes.known(tmp_path), grace_s=0)


def started(state_dir: Path, argv: list[str], name: str = "child") -> Child:
    """A child that has come to its first line."""
    child = processes.start(name, argv, state_dir=state_dir, address="127.0.0.1:1")
    while "up" not in processes.last_lines(child.log):
        time.sleep(0.02)
    return child


def test_a_child_is_found_by_its_name(state_dir: Path) -> None:
    """By another command too: what is known lies in a file."""
    child = started(state_dir, SLEEP)

    assert child == processes.find(state_dir, "child")
    assert [child] == processes.known(state_dir)
    assert processes.find(state_dir, "other") is None


def test_a_child_outlives_the_terminal_of_its_parent(state_dir: Path) -> None:
    """It leads a session of its own, so a hang-up or Ctrl-C does not reach it."""
    child = started(state_dir, SLEEP)

    assert os.getsid(child.pid) == child.pid


def test_a_child_that_ended_is_not_found(state_dir: Path) -> None:
    """Neither while it is a zombie nor after."""
    child = processes.start("child", [sys.executable, "-c", ""], state_dir=state_dir, address="")
    psutil.Process(child.pid).wait(10)

    assert not child.alive
    assert processes.find(state_dir, "child") is None


def test_a_process_that_got_the_pid_of_a_dead_child_is_left_alone(state_dir: Path) -> None:
    """The time of creation tells them apart."""
    with subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL) as stranger:
        pidfile = {"name": "child", "pid": stranger.pid, "created": time.time() - 3600, "log": "x", "address": "", "settings": ""}
        processes.run_dir(state_dir).joinpath("child.json").write_text(json.dumps(pidfile))

        stopped = processes.stop(state_dir, processes.known(state_dir), grace_s=1)

        assert stopped == []
        assert stranger.poll() is None
        stranger.kill()


def test_stop_terminates_and_forgets(state_dir: Path) -> None:
    """Nothing is known of it afterwards."""
    child = started(state_dir, SLEEP)

    assert [child] == processes.stop(state_dir, [child], grace_s=10)
    assert not child.alive
    assert processes.known(state_dir) == []


def test_a_child_that_is_deaf_to_sigterm_is_killed(state_dir: Path) -> None:
    """After its grace."""
    child = started(state_dir, DEAF)

    processes.stop(state_dir, [child], grace_s=0.2)

    assert not child.alive


def test_a_stopped_child_is_killed_too(state_dir: Path) -> None:
    """SIGSTOP keeps a process from hearing SIGTERM, not SIGKILL."""
    child = started(state_dir, SLEEP)
    os.kill(child.pid, signal.SIGSTOP)

    processes.stop(state_dir, [child], grace_s=0.2)

    assert not child.alive


def test_the_log_of_the_run_before_is_kept(state_dir: Path) -> None:
    """A restart does not wipe out why it was needed."""
    first = started(state_dir, [sys.executable, "-c", "print('up: first')"])
    psutil.wait_procs([psutil.Process(first.pid)] if psutil.pid_exists(first.pid) else [], timeout=10)
    second = started(state_dir, [sys.executable, "-c", "print('up: second')"])

    assert processes.last_lines(second.log) == "up: second"
    assert processes.last_lines(second.log.with_name("child.log.1")) == "up: first"


def test_a_program_that_is_not_there_is_an_error_of_ours(state_dir: Path) -> None:
    """With the name of what was to start."""
    with pytest.raises(LocalProcessError, match="child could not be started"):
        processes.start("child", ["/nonexistent"], state_dir=state_dir, address="")


def test_a_damaged_pidfile_is_no_process(state_dir: Path) -> None:
    """A disk that was full must not keep `roxy down` from working."""
    processes.run_dir(state_dir).joinpath("child.json").write_text("{")

    assert processes.known(state_dir) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_bench_that_is_told_to_stop_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    """Its broker and its API process end with it: a measurement that somebody gave up must not disturb the next one."""
    argv = [sys.executable, "-P", "-m", "infra", "bench", "streams", "--scenario", "lane:1:1", "--seconds", "60", "--idle", "0"]
    env = {**os.environ, "PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)}
    heard = partial(signal.signal, number, signal.SIG_DFL)  # what a shell has put into the background hears no SIGINT, nor does what it starts
    bench = psutil.Popen(argv, env=env, stderr=subprocess.DEVNULL, preexec_fn=heard)
    while len(started := bench.children(recursive=True)) < 3:  # broker, API, what makes the tokens
        assert bench.poll() is None
        time.sleep(0.1)
    bench.send_signal(number)
    bench.wait(60)

    assert [] == [child for child in started if child.is_running()]
    assert [] == list(tmp_path.iterdir())
