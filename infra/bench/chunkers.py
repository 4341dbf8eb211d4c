"""Bench `chunkers`: how many chunks a second each one cuts, in one process; beside the counting of the same text's words, which all of them need.

The texts are the sample pages, and a made-up log with a stack trace in every fiftieth record. Seconds are those of a core, so that what else
runs does not count. A figure is the best of nine rounds; `semantic` has one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from connectors.chunker import CHUNKERS, open_chunker
from connectors.chunker.by_content_type import AUTO, LOG, ChunkerByContentType
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
_ROUNDS = 9
_TRACE = "".join(f"\n\tat org.example.Frame{number}.call(Frame{number}.java:{number * 7})" for number in range(12))


async def bench_chunkers(settings: Settings, *, embedder: str) -> Report:
    """`embedder` other than none: `semantic` too."""
    model = await asyncio.to_thread(open_embedder, embedder)
    texts = await asyncio.to_thread(_texts)
    figures, baseline = {}, {}
    for name in CHUNKERS:
        if name == AUTO or (name == "semantic" and model is None):
            continue
        content_type = LOG if name == "log" else "text/markdown"
        chosen = settings.model_copy(update={"chunker": name})
        chunks, seconds = await _cut(open_chunker(chosen, model), texts[content_type], content_type, 1 if name == "semantic" else _ROUNDS)
        figures[f"{name}_chunks_per_s"] = chunks / seconds
        baseline[f"{name}_chunks_per_s"] = chunks / _counted(texts[content_type])
    return report("chunkers", figures=figures, baseline=baseline, goals=GOALS)


async def _cut(chunker: ChunkerByContentType, texts: Sequence[str], content_type: str, rounds: int) -> tuple[int, float]:
    """How many chunks they make, and the seconds of the best round."""
    taken, chunks = [], 0
    for _ in range(rounds):
        begun = time.process_time()
        chunks = sum([len(await chunker.cut(text, content_type)) for text in texts])
        taken.append(time.process_time() - begun)
    return chunks, min(taken)


def _texts() -> dict[str, list[str]]:
    pages = [page.read_text() for page in sorted((PROJECT / "infra/samples/docs").glob("*.md"))]
    return {"text/markdown": pages, LOG: ["\n".join(_record(number) for number in range(1_000))]}


def _record(number: int) -> str:
    begin = f"2026-01-31 10:{number // 60 % 60:02}:{number % 60:02},{number % 1000:03}"
    if number % 50 == 0:
        return f"{begin} ERROR [worker-{number % 7}] org.example.Broker - Request {number} failed\njava.lang.IllegalStateException: no leader{_TRACE}"
    return f"{begin} INFO [worker-{number % 7}] org.example.Broker - Fetched {number * 3} records of orders-{number % 16} in {number % 40} ms"


def _counted(texts: Sequence[str]) -> float:
    """Seconds to count their words, in the best round."""
    taken = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        for text in texts:
            count_words(text)
        taken.append(time.process_time() - begun)
    return min(taken)
