"""Bench `chunkers`: how many chunks a second each one cuts, in one process; beside the counting of the same text's words, which all of them need.

The texts are the sample pages, and a made-up log with a stack trace in every fiftieth record. A figure is the best of three rounds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from connectors.chunker import CHUNKERS, open_chunker
from connectors.chunker.by_content_type import AUTO, LOG
from connectors.chunker.words import count_words
from connectors.embedder import open_embedder
from infra.bench.report import Report, Wanted, report
from infra.environment import PROJECT
from schemas.settings import Settings

GOALS: dict[str, Wanted] = {
    "structure_chunks_per_s": (">=", 2_000),
    "fixed_chunks_per_s": (">=", 3_000),
    "log_chunks_per_s": (">=", 3_000),
}
_ROUNDS = 3
_PAGES_TIMES = 4  # the sample pages make 200 chunks
_TRACE = "".join(f"\n\tat org.example.Frame{number}.call(Frame{number}.java:{number * 7})" for number in range(12))


async def bench_chunkers(settings: Settings, *, embedder: str) -> Report:
    """`embedder` other than none: `semantic` too, once over the pages."""
    model = await asyncio.to_thread(open_embedder, embedder)
    texts = await asyncio.to_thread(_texts)
    figures, baseline = {}, {}
    for name in CHUNKERS:
        if name == AUTO or (name == "semantic" and model is None):
            continue
        content_type = LOG if name == "log" else "text/markdown"
        chunker = open_chunker(settings.model_copy(update={"chunker": name}), model)
        taken = []
        for _ in range(1 if name == "semantic" else _ROUNDS):
            begun = time.perf_counter()
            chunks = sum([len(await chunker.cut(text, content_type)) for text in texts[content_type]])
            taken.append(time.perf_counter() - begun)
        figures[f"{name}_chunks_per_s"] = chunks / min(taken)
        baseline[f"{name}_chunks_per_s"] = chunks / _counted(texts[content_type])
    return report("chunkers", figures=figures, baseline=baseline, goals=GOALS)


def _texts() -> dict[str, list[str]]:
    pages = [page.read_text() for page in sorted((PROJECT / "infra/samples/docs").glob("*.md"))]
    return {"text/markdown": pages * _PAGES_TIMES, LOG: ["\n".join(_record(number) for number in range(2_000))] * 3}


def _record(number: int) -> str:
    begin = f"2026-01-31 10:{number // 60 % 60:02}:{number % 60:02},{number % 1000:03}"
    if number % 50 == 0:
        return f"{begin} ERROR [worker-{number % 7}] org.example.Broker - Request {number} failed\njava.lang.IllegalStateException: no leader{_TRACE}"
    return f"{begin} INFO [worker-{number % 7}] org.example.Broker - Fetched {number * 3} records of orders-{number % 16} in {number % 40} ms"


def _counted(texts: Sequence[str]) -> float:
    """Seconds to count their words, the best of three."""
    taken = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        for text in texts:
            count_words(text)
        taken.append(time.perf_counter() - begun)
    return min(taken)
