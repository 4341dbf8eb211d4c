"""Processes: start, find and stop detached children, each known by a file that holds its pid and the time it was created.

Used by `infra.kafka` and `infra.up`. Guarantees: a child outlives the command that started it; what it prints is in its log file;
a process that merely has the pid of a dead child is never taken for it, let alone killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from schemas.errors import LocalProcessError

# psutil derives a creation time from the boot time, which moves a little when the clock is set; pids are not re-used within seconds.
_CLOCK_TOLERANCE_S = 2.0
_KILL_WAIT_S = 5.0


class Child(NamedTuple):
    """A process that was started here, on this machine."""

    name: str  #: `kafka-1`, `worker-1`, `api-1`
    pid: int
    created: float  #: seconds since the epoch
    log: Path
    address: str  #: host:port where it listens; for a worker, where it answers for its health
    settings: str = ""  #: fingerprint of the settings that it was started with

    @property
    def process(self) -> psutil.Process | None:
        """The process, if it still runs and is the one that was started."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CLOCK_TOLERANCE_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    @property
    def alive(self) -> bool:
        return self.process is not None


def start(
    name: str,
    argv: Sequence[str],
    *,
    state_dir: Path,
    address: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    settings: str = "",
) -> Child:
    """Start a detached child in a session of its own; its output goes to `logs/<name>.log`. Raises LocalProcessError."""
    log = log_file(state_dir, name)
    run_dir(state_dir)
    try:
        _keep_previous(log)
        with log.open("wb") as output:
            popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True
            )
    except OSError as error:
        raise LocalProcessError(f"{name} could not be started: {error}.") from error
    popen.returncode = 0  # detached: psutil waits for it, by pid; else Popen would warn that it was forgotten
    child = Child(name, popen.pid, _creation_time(popen.pid), log, address, settings)
    _write_pidfile(state_dir, child)
    return child


def find(state_dir: Path, name: str) -> Child | None:
    """The child of that name, if it runs."""
    child = _read_pidfile(_pidfile(state_dir, name))
    return child if child is not None and child.alive else None


def known(state_dir: Path) -> list[Child]:
    """Every child that was started and not stopped, by name; it may have died since."""
    children = (_read_pidfile(path) for path in sorted((state_dir / "run").glob("*.json")))
    return [child for child in children if child is not None]


def stop(state_dir: Path, children: Iterable[Child], *, grace_s: float) -> list[Child]:
    """SIGTERM to all of them, SIGKILL to the process groups of those that are still there after `grace_s`. Returns those that ran."""
    ran = [(child, process) for child in children if (process := child.process) is not None]
    for _, process in ran:
        _signal(process, signal.SIGTERM)
    _, left = psutil.wait_procs([process for _, process in ran], timeout=grace_s)
    for process in left:
        _kill_group(process)
    psutil.wait_procs(left, timeout=_KILL_WAIT_S)
    for child, _ in ran:
        forget(state_dir, child)
    return [child for child, _ in ran]


def forget(state_dir: Path, child: Child) -> None:
    """Remove the file of a child that has ended."""
    _pidfile(state_dir, child.name).unlink(missing_ok=True)


@contextmanager
def one_command_at_a_time(state_dir: Path) -> Iterator[None]:
    """A second `roxy up` or `roxy down` of the same state folder waits for the first."""
    with (run_dir(state_dir) / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log file, without the lines of Java's stack traces, which say where but not what."""
    if not log.exists():
        return ""
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - 16_384))
        found = [line for line in lines.read().decode(errors="replace").splitlines() if not line.startswith("\tat ")]
    return "\n".join(found[-count:])


def run_dir(state_dir: Path) -> Path:
    """The folder of the pidfiles, made if absent. Raises LocalProcessError."""
    return make_dir(state_dir / "run", "ROXY_STATE_DIR")


def log_file(state_dir: Path, name: str) -> Path:
    return make_dir(state_dir / "logs", "ROXY_STATE_DIR") / f"{name}.log"


def make_dir(path: Path, setting: str) -> Path:
    """The folder, made if absent and readable by its owner only. Raises LocalProcessError that names the setting it comes from."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LocalProcessError(
            f"The folder {path} cannot be made: {error.strerror}.", remedy=f"Set {setting} to a folder you may write to."
        ) from error
    return path


def _keep_previous(log: Path) -> None:
    """The log of the run before stays as `<name>.log.1`."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))


def _creation_time(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _kill_group(process: psutil.Process) -> None:
    """The child leads a process group of its own: whatever it started goes with it."""
    if process.is_running():
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _pidfile(state_dir: Path, name: str) -> Path:
    return state_dir / "run" / f"{name}.json"


def _write_pidfile(state_dir: Path, child: Child) -> None:
    path = _pidfile(state_dir, child.name)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({**child._asdict(), "log": str(child.log)}))
    partial.replace(path)


def _read_pidfile(path: Path) -> Child | None:
    try:
        fields = json.loads(path.read_text())
        return Child(
            str(fields["name"]), int(fields["pid"]), float(fields["created"]), Path(fields["log"]), str(fields["address"]), str(fields["settings"])
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
