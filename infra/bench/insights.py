"""`roxy bench insights`: rows of topic `insights`, kept up while answers come, beside the fold that `roxy insights` makes.

What it takes is measured in a process for each number of answers (infra/bench/kept_insights.py); how late the rows are, against a real broker.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from connectors.background import running
from connectors.journal import Journal, open_journal
from infra.bench.child import measured
from infra.bench.corpus import BENCH
from infra.bench.kept_insights import happened
from infra.bench.report import Report, Wanted, quantiles, report
from infra.environment import environment
from infra.own import own_roxy
from schemas.settings import Settings
from schemas.topics import INSIGHTS
from streams.insights.recording import Kept, Recorder

_BASELINE = ("fold_ms",)
_GOALS: dict[str, Wanted] = {"lag_p95_ms": ("<=", 6_500.0)}  # ROXY_INSIGHTS_EVERY_S, and what reading and writing take
_SEED = 6
_WARM_UP = 3


async def bench_insights(settings: Settings, sizes: Sequence[int], lags: int) -> Report:
    """Measure each size, and the lag of some answers."""
    figures: dict[str, float] = {}
    baseline: dict[str, float] = {}
    for size in sizes:
        took = await measured(["infra.bench.kept_insights", str(size)], environment(settings))
        figures |= {f"at_{size}_{name}": value for name, value in took.items() if name not in _BASELINE}
        baseline |= {f"at_{size}_{name}": took[name] for name in _BASELINE}
    async with own_roxy(settings, workers=0, apis=0, embedder="none") as broker, open_journal(broker.settings) as journal:
        recorder = Recorder(journal, Kept(settings.insights_days, settings.insights_every_s))
        recorder.mine = lambda: True
        async with running(recorder.run()):
            figures |= quantiles("lag", await _lags(journal, lags, settings.insights_every_s))
    return report("insights", figures=figures, baseline=baseline, goals=_GOALS)


async def _lags(journal: Journal, count: int, every_s: float) -> list[float]:
    """Milliseconds from an answer's record to its row; each answer is of a model of its own, and comes at any moment between two looks."""
    lags, chance = [], random.Random(_SEED)
    async with journal.follow(INSIGHTS) as follower:
        for number in range(_WARM_UP + count):
            await asyncio.sleep(chance.random() * every_s)
            name = f"model-{number}"
            answer = next(iter(happened(number, time.time()))).model_copy(update={"model": name})
            await journal.append(answer, BENCH)
            begun = time.perf_counter()
            while not any(name.encode() in (record.value or b"") for record in await follower.read(0.1)):
                pass
            lags.append((time.perf_counter() - begun) * 1000)
    return lags[_WARM_UP:]
