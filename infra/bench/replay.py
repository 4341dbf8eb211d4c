"""`roxy bench replay`: the lanes of `sessions` decoded and folded into answers, beside bare librdkafka and orjson on the same records.

A real broker, filled while no clock runs (infra/bench/lanes.py). Then three processes one after the other (infra/bench/session_folds.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from infra.bench.child import measured
from infra.bench.lanes import RECORDS, fill_lanes
from infra.bench.report import Report, Wanted, report
from infra.environment import environment
from infra.own import own_roxy
from schemas.errors import MissingExtra
from schemas.settings import Settings

_GOALS: dict[str, Wanted] = {"ratio_records_per_s": (">=", 0.6)}


async def bench_replay(settings: Settings, *, count: int = 100_000) -> Report:
    """Raises MissingExtra without librdkafka."""
    if find_spec("confluent_kafka") is None:
        raise MissingExtra("The baseline needs confluent-kafka.", remedy="Install roxy[bench].")
    async with own_roxy(settings, workers=0, apis=0, embedder="none") as broker:
        records = await fill_lanes(broker.settings, count)
        seen = {way: await measured(["infra.bench.session_folds", way], environment(broker.settings)) for way in ("hasty", "read", "ours")}
    ours, bare, hasty = seen["ours"], seen["read"], seen["hasty"]
    check_whole(records, ours)
    figures = {"records": records, "answers": ours["answers"], "records_per_s": records / ours["seconds"]}
    baseline = {"records_per_s": records / bare["seconds"]}
    figures |= {"cpu_us": ours["cpu_s"] / records * 1e6, "memory_peak_mib": ours["peak_mib"]}
    baseline |= {"cpu_us": bare["cpu_s"] / records * 1e6, "memory_peak_mib": bare["peak_mib"]}
    baseline |= {"hasty_records_per_s": records / hasty["seconds"], "hasty_cpu_us": hasty["cpu_s"] / records * 1e6}
    return report("replay", figures=figures, baseline=baseline, goals=_GOALS)


def check_whole(records: int, ours: Mapping[str, float]) -> None:
    """A replay that reads less than there is would be the faster one. Raises RuntimeError."""
    if (ours["records"], ours["answers"]) != (records, records // RECORDS):
        found = f"{ours['records']:.0f} records and {ours['answers']:.0f} whole answers"
        raise RuntimeError(f"{found} were read, of {records} and {records // RECORDS}.")
