"""Servers built once from their source by `go install`, into the cache folder.

Called by `infra.weaviate_install` and `infra.ollama_install`. The Go toolchain makes the same program on any machine. Guarantees: what lies at
the place is a whole build of that version; an interrupted build leaves nothing behind but Go's own cache, with which the next one goes on.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from infra.processes import make_dir
from schemas.errors import LocalProcessError, MissingExtra, RoxyError
from schemas.settings import load_settings

_LAST_LINES = 8
_SAY_EVERY = 25  # packages

Say = Callable[[str], None]


class Program(NamedTuple):
    """A server, and where its source is."""

    name: str
    version: str
    module: str
    file: str
    elsewhere: str  #: what else can be done than to build it: the end of a remedy
    with_c: bool = False  #: a part of it is in C++

    def path(self, cache_dir: Path) -> Path:
        """Where it lies, or will."""
        return cache_dir / self.name.lower() / self.version / self.file

    def install(self, cache_dir: Path, say: Say = lambda text: None) -> Path:
        """The program; builds it if it is absent (minutes). Raises MissingExtra, LocalProcessError."""
        path = self.path(cache_dir)
        if not path.exists():
            folder = make_dir(path.parent, "ROXY_CACHE_DIR")
            with _one_at_a_time(folder):
                if not path.exists():
                    _build(self, path, say)
        return path

    def main(self) -> None:
        """What `python -m infra.<name>_install` does."""
        try:
            print(self.install(load_settings().cache_dir, lambda text: print(text, flush=True)))
        except RoxyError as error:
            sys.exit(f"roxy: {error}")


def _build(program: Program, path: Path, say: Say) -> None:
    go = _go(program)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".build-") as folder:
        say(f"Building {program.name} {program.version} (once, some minutes)")
        _run(program, go, Path(folder), say)
        (Path(folder) / path.name).replace(path)


def _go(program: Program) -> str:
    go = shutil.which("go")
    if go is None:
        remedy = f"Install Go 1.24 or later (https://go.dev/dl), {program.elsewhere}."
        raise MissingExtra(f"The local {program.name} is built with Go, which is not on the PATH.", remedy=remedy)
    if program.with_c and not any(map(shutil.which, ("g++", "c++", "clang++"))):
        remedy = f"Install one (the package g++ or build-essential of most systems), {program.elsewhere}."
        raise MissingExtra(f"The local {program.name} is built with a C++ compiler, and none is on the PATH.", remedy=remedy)
    return go


def _run(program: Program, go: str, folder: Path, say: Say) -> None:
    """`-v` names each package as it is compiled: some two thousand."""
    argv = [go, "install", "-v", "-ldflags=-s -w", f"{program.module}@{program.version}"]
    last: deque[str] = deque(maxlen=_LAST_LINES)
    env = {**os.environ, "GOBIN": str(folder)}
    with subprocess.Popen(argv, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as build:
        for number, line in enumerate(build.stderr or (), start=1):
            last.append(line.rstrip())
            if number % _SAY_EVERY == 0:
                say(f"Building {program.name} {program.version} (once, some minutes): {number} steps done")
    if build.returncode != 0:
        remedy = f"Check the network (HTTPS_PROXY and GOPROXY are heeded) and run the command again, {program.elsewhere}."
        said = "\n".join(last)
        raise LocalProcessError(f"{program.name} could not be built. The end of what Go said:\n{said}\n", remedy=remedy)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two commands that start at once must not both build for minutes."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
