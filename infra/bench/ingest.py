"""`roxy bench ingest`: documents to chunks through a real broker and one worker, beside the bare model on the same chunks.

Two parts. Without a model, made-up documents: what cutting and writing cost. With the model, the sample documents: how much of its bare
speed is left. The clock runs from before the first document is written until the last one's outcome is read.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import orjson

from connectors.journal import open_journal
from infra.bench.child import measured
from infra.bench.corpus import SAMPLES, documents
from infra.bench.report import Report, Wanted, report
from infra.documents import find_documents
from infra.environment import environment, resolved_embedder
from infra.ingest import submit_and_wait
from infra.own import own_roxy
from schemas.codec import decode
from schemas.events import ChunkIndexed, DocumentSubmitted
from schemas.settings import Settings
from schemas.topics import CHUNKS
from streams.document_chunks import text_to_embed

_SECTIONS = 20  # of a made-up document
_WARM_UP = 20  # documents, of others' ids
_MODEL_WARM_UP = 4  # documents
_GOALS: dict[str, Wanted] = {"chunks_per_s": (">=", 2_000), "ratio_embedded_chunks_per_s": (">=", 0.9)}


async def bench_ingest(settings: Settings, *, chunks: int = 20_000, model: bool = True) -> Report:
    """Measure without a model, then with it, if it is installed and wanted."""
    figures = {"chunks_per_s": await _without_model(settings, chunks)}
    baseline: dict[str, float] = {}
    if model and resolved_embedder("auto") != "none":
        embedded, texts = await _with_model(settings)
        figures["embedded_chunks_per_s"] = embedded
        baseline |= await _bare_model(settings, texts)
    return report("ingest", figures=figures, baseline=baseline, goals=_GOALS)


async def _without_model(settings: Settings, chunks: int) -> float:
    made = documents(_WARM_UP + -(-chunks // _SECTIONS), _SECTIONS)
    async with own_roxy(settings, apis=0, embedder="none") as roxy:
        await _rate(roxy.settings, made[:_WARM_UP])
        return await _rate(roxy.settings, made[_WARM_UP:])


async def _with_model(settings: Settings) -> tuple[float, list[str]]:
    """The rate, and what was embedded."""
    found = list(find_documents([SAMPLES / "docs"], tenant="default", tags=(), max_bytes=settings.max_document_bytes).documents)
    async with own_roxy(settings, apis=0, embedder=resolved_embedder("auto"), embedding_cache=False) as roxy:
        await _rate(roxy.settings, found[:_MODEL_WARM_UP])  # as the bare model is
        return await _rate(roxy.settings, found[_MODEL_WARM_UP:]), await _embedded(roxy.settings)


async def _rate(settings: Settings, submitted: Sequence[DocumentSubmitted]) -> float:
    """Chunks a second. Raises RuntimeError if a document was not indexed."""
    begun = time.perf_counter()
    done = await submit_and_wait(settings, submitted)
    seconds = time.perf_counter() - begun
    if len(done.indexed) != len(submitted):
        raise RuntimeError(f"{len(done.indexed)} of {len(submitted)} documents were indexed.")
    return sum(one.chunks for one in done.indexed) / seconds


async def _embedded(settings: Settings) -> list[str]:
    texts: list[str] = []
    async with open_journal(settings) as journal:
        ends = await journal.ends(CHUNKS)
        async with journal.follow(CHUNKS) as follower:
            while dict(follower.positions) != dict(ends):
                events = [decode(record) for record in await follower.read(1.0) if record.value is not None]
                texts += [text_to_embed(event.title, event.heading_path, event.text) for event in events if isinstance(event, ChunkIndexed)]
    return texts


async def _bare_model(settings: Settings, texts: Sequence[str]) -> dict[str, float]:
    """In a process of its own: with the threads that torch takes by itself."""
    return await measured(["infra.bench.bare_model"], environment(settings), orjson.dumps(texts))
