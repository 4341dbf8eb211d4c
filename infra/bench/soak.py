"""What processes use over time, sampled: processor, memory and file handles. Of the last two the slope of the line that fits best (least squares)."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import psutil

from connectors.background import running

_MIB = 2**20
_HOUR_S = 3_600.0
SETTLING = 0.25  # of the samples: caches fill, and code is compiled, once


class Used(NamedTuple):
    """What a process used at a moment."""

    at_s: float
    cpu_s: float  #: since it began
    memory_mib: float
    handles: int


class Soak:
    """The samples of each process, by its name."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.used: dict[str, list[Used]] = {name: [] for name in pids}

    @asynccontextmanager
    async def sampled(self, every_s: float) -> AsyncIterator[None]:
        """Meanwhile, in the background."""
        async with running(self._sample(every_s)):
            yield

    async def _sample(self, every_s: float) -> None:
        while True:
            for name, process in self._processes.items():
                times = process.cpu_times()
                used = Used(time.monotonic(), times.user + times.system, process.memory_info().rss / _MIB, process.num_fds())
                self.used[name].append(used)
            await asyncio.sleep(every_s)

    def cost(self, operations: int) -> dict[str, float]:
        """Milliseconds of a core that each process used for an operation: they hardly depend on what else runs."""
        return {f"{_plain(name)}_cpu_ms": (used[-1].cpu_s - used[0].cpu_s) * 1000 / operations for name, used in self.used.items()}

    def figures(self) -> dict[str, float]:
        """Of each process: the slopes an hour, and where it stood in the end."""
        figures: dict[str, float] = {}
        for name, used in self.used.items():
            kept = used[int(len(used) * SETTLING) :]
            plain = _plain(name)
            figures |= {f"{plain}_memory_mib": kept[-1].memory_mib, f"{plain}_handles": float(kept[-1].handles)}
            if len(kept) > 1:
                figures[f"{plain}_memory_mib_per_h"] = slope_per_h(kept, [one.memory_mib for one in kept])
                figures[f"{plain}_handles_per_h"] = slope_per_h(kept, [float(one.handles) for one in kept])
        return figures


def _plain(name: str) -> str:
    return name.replace("-", "_")


def slope_per_h(used: list[Used], values: list[float]) -> float:
    """Of the line that fits the values best."""
    return statistics.linear_regression([one.at_s / _HOUR_S for one in used], values).slope
