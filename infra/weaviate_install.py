"""Weaviate's server: built once from its source by `go install`, into the cache folder.

Called by `infra.weaviate` before it starts a server, and by `roxy test --full` before its tests: `python -m infra.weaviate_install`.
There is no wheel of it as there is of Kafka's Java, and its archives for download are for Linux alone; the Go toolchain makes the same program on
any machine. Guarantees: what lies at the place is a whole build of that version; an interrupted build leaves nothing behind but Go's own cache,
with which the next one goes on.
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

from infra.processes import make_dir
from schemas.errors import LocalProcessError, MissingExtra, RoxyError
from schemas.settings import load_settings

VERSION = "v1.35.2"
_MODULE = "github.com/weaviate/weaviate/cmd/weaviate-server"
_LAST_LINES = 8
_SAY_EVERY = 25  # packages

Say = Callable[[str], None]


def install(cache_dir: Path, say: Say = lambda text: None) -> Path:
    """The server's program; builds it if it is absent (3 minutes on 2 cores). Raises MissingExtra, LocalProcessError."""
    program = program_file(cache_dir)
    if not program.exists():
        folder = make_dir(program.parent, "ROXY_CACHE_DIR")
        with _one_at_a_time(folder):
            if not program.exists():
                _build(program, say)
    return program


def program_file(cache_dir: Path) -> Path:
    """Where the program lies, or will."""
    return cache_dir / "weaviate" / VERSION / "weaviate-server"


def _build(program: Path, say: Say) -> None:
    go = _go()
    with tempfile.TemporaryDirectory(dir=program.parent, prefix=".build-") as folder:
        say(f"Building Weaviate {VERSION} (once, some minutes)")
        _run(go, Path(folder), say)
        (Path(folder) / program.name).replace(program)


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        remedy = "Install Go 1.24 or later (https://go.dev/dl), run Weaviate by docker compose (infra/compose), or set ROXY_WEAVIATE_URL."
        raise MissingExtra("The local Weaviate is built with Go, which is not on the PATH.", remedy=remedy)
    return go


def _run(go: str, folder: Path, say: Say) -> None:
    """`-v` names each package as it is compiled: some two thousand."""
    argv = [go, "install", "-v", "-ldflags=-s -w", f"{_MODULE}@{VERSION}"]
    last: deque[str] = deque(maxlen=_LAST_LINES)
    env = {**os.environ, "GOBIN": str(folder)}
    with subprocess.Popen(argv, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as build:
        for number, line in enumerate(build.stderr or (), start=1):
            last.append(line.rstrip())
            if number % _SAY_EVERY == 0:
                say(f"Building Weaviate {VERSION} (once, some minutes): {number} steps done")
    if build.returncode != 0:
        remedy = "Check the network (HTTPS_PROXY and GOPROXY are heeded) and run the command again, or set ROXY_WEAVIATE_URL."
        raise LocalProcessError(f"Weaviate could not be built. The end of what Go said:\n{chr(10).join(last)}\n", remedy=remedy)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two commands that start at once must not both build for minutes."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    try:
        print(install(load_settings().cache_dir, lambda text: print(text, flush=True)))
    except RoxyError as error:
        sys.exit(f"roxy: {error}")


if __name__ == "__main__":
    main()
