"""`roxy bench index`: the topic `chunks` into an index that serves, beside bare consumption and bare adds.

A real broker, filled through the journal while no clock runs. For each size, three processes one after the other (infra/bench/rebuilds.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.journal import open_journal
from infra.bench.child import measured
from infra.bench.corpus import BATCH, BENCH, MADE_UP, chunk_events
from infra.bench.report import Report, Wanted, report
from infra.environment import environment
from infra.own import own_roxy
from schemas.settings import Settings

SIZES = (10_000, 100_000)
FULL = (*SIZES, 300_000)
JUDGED = 100_000  #: the size that has goals
_WAYS = ("ours", "read", "add")


async def bench_index(settings: Settings, sizes: Sequence[int] = SIZES) -> Report:
    """Measure each size on the same, growing topic."""
    figures: dict[str, float] = {}
    baseline: dict[str, float] = {}
    async with own_roxy(settings, workers=0, apis=0, embedder="none") as broker:
        filled = 0
        for size in sorted(-(-size // BATCH) * BATCH for size in sizes):
            await _fill(broker.settings, filled, size)
            filled = size
            seen = {way: await measured(["infra.bench.rebuilds", way, "--chunks", str(size)], environment(broker.settings)) for way in _WAYS}
            ours, bare = figures_of(size, **seen)
            figures |= ours
            baseline |= bare
    return report("index", figures=figures, baseline=baseline, goals=goals(sizes))


def goals(sizes: Sequence[int]) -> dict[str, Wanted]:
    """Of the judged size, if it was measured."""
    if JUDGED not in sizes:
        return {}
    return {f"ratio_chunks_{_short(JUDGED)}_per_s": (">=", 0.7), f"ratio_memory_{_short(JUDGED)}_peak_mib": ("<=", 1.5)}


def figures_of(
    size: int, *, ours: Mapping[str, float], read: Mapping[str, float], add: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Ours, and the baseline: reading and adding one after the other; the memory of the two indexes alone, without the chunks' texts."""
    name, adds_s = _short(size), add["vector_s"] + add["keyword_s"]
    return {
        f"chunks_{name}_per_s": size / ours["seconds"],
        f"rebuild_{name}_s": ours["seconds"],
        f"cpu_{name}_s": ours["cpu_s"],
        f"memory_{name}_peak_mib": ours["peak_mib"],
        f"memory_{name}_kept_mib": ours["kept_mib"],
    }, {
        f"chunks_{name}_per_s": size / (read["seconds"] + adds_s),
        f"rebuild_{name}_s": read["seconds"] + adds_s,
        f"cpu_{name}_s": read["cpu_s"] + add["cpu_s"],
        f"read_{name}_s": read["seconds"],
        f"vector_add_{name}_s": add["vector_s"],
        f"keyword_add_{name}_s": add["keyword_s"],
        f"memory_{name}_peak_mib": add["peak_mib"],
        f"memory_{name}_kept_mib": add["kept_mib"],
        f"memory_read_{name}_peak_mib": read["peak_mib"],
    }


async def _fill(settings: Settings, first: int, last: int) -> None:
    async with open_journal(settings) as journal:
        for events in chunk_events(last - first, embedder=MADE_UP.name, dims=MADE_UP.dims, first=first):
            await journal.append_all(events, BENCH)


def _short(size: int) -> str:
    return f"{size // 1_000}k" if size % 1_000 == 0 else str(size)
