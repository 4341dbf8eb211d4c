"""A measured child process: so that the memory of one variant is not that of another, and none warms another up."""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import orjson
import psutil
import uvloop

from connectors.observability import configure
from schemas.settings import load_settings

_MIB = 2**20


class Memory:
    """What a process uses beyond what it had used when this was made."""

    def __init__(self) -> None:
        self._memory = psutil.Process().memory_info().rss

    def figures(self) -> dict[str, float]:
        """`peak_mib`: the most at any moment; `kept_mib`: now."""
        now = psutil.Process().memory_info().rss
        return {"peak_mib": (_peak() - self._memory) / _MIB, "kept_mib": (now - self._memory) / _MIB}


class Clock:
    """Seconds, and the processor's seconds in all threads, of the times it was entered. The latter hardly depend on what else runs."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def __enter__(self) -> Self:
        self._begun = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.wall_s += time.perf_counter() - self._begun[0]
        self.cpu_s += time.process_time() - self._begun[1]

    def figures(self) -> dict[str, float]:
        return {"seconds": self.wall_s, "cpu_s": self.cpu_s}


async def measured(arguments: Sequence[str], env: Mapping[str, str], given: bytes = b"") -> dict[str, float]:
    """`python -m …`: the object that it prints in its last line. `given`: its standard input. Raises RuntimeError if it fails."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", *arguments, stdin=PIPE, stdout=PIPE, env=env)
    printed, _ = await child.communicate(given)
    if child.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {child.returncode}.")
    return dict(orjson.loads(printed.splitlines()[-1]))


def tell(figures: Mapping[str, float]) -> None:
    """Print the object that `measured` reads."""
    print(orjson.dumps(figures).decode(), flush=True)


def run_way(ways: Mapping[str, Callable[..., Coroutine[Any, Any, Mapping[str, float]]]], *numbers: str) -> None:
    """A child's whole `main`: the first argument names the way, `--<number> N` each number that it takes; its figures are told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=ways)
    for number in numbers:
        parser.add_argument(f"--{number}", type=int, required=True)
    given, settings = parser.parse_args(), load_settings()
    configure(settings, "bench")
    tell(uvloop.run(ways[given.way](settings, *(getattr(given, number) for number in numbers))))


def _peak() -> int:
    """The most resident memory so far. Linux counts what the process was before `exec` into ru_maxrss, so its own file comes first."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
