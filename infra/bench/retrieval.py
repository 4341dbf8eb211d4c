"""`roxy bench retrieval`: a question to its chunks, without the embedding of the question, beside plain libraries on the same chunks.

The search is that of a worker (streams/search/search.py) with the plan of the settings, one question after the other.
"""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from rank_bm25 import BM25Okapi

from connectors.embedder.base import Vectors
from connectors.keyword_index import open_keyword_index
from connectors.keyword_index.base import Entry
from connectors.keyword_index.terms import Analyser
from infra.bench.corpus import BENCH, MADE_UP, TENANT, chunk_events, text_of, vectors
from infra.bench.lookups import WARM_UP, Asked, lookups, timed
from infra.bench.report import Report, Wanted, quantiles, report
from schemas.codec import encode
from schemas.record import Record
from schemas.settings import Settings
from schemas.topics import CHUNKS
from streams.chunk_index import ChunkIndex
from streams.ports import open_index
from streams.search.guard import Guards
from streams.search.lookup import Lookup
from streams.search.plan import Plan
from streams.search.search import search

_RANK_BM25_CHUNKS = 20_000  # pure Python: at 100,000 a question takes it 0.4 s, and what it holds 1.5 GiB
_RANK_BM25_QUESTIONS = 50
_GOALS: dict[str, Wanted] = {"hybrid_p50_ms": ("<=", 4), "hybrid_p95_ms": ("<=", 10), "vector_recall_at_10": (">=", 0.98)}

Ask = Callable[[Asked], Awaitable[object]]


async def bench_retrieval(settings: Settings, *, chunks: int = 100_000, count: int = 1_000, weaviate: bool = False) -> Report:
    """Measure the search and its parts, then rank_bm25, and Weaviate if wanted: building it takes minutes, and Go."""
    plan, rows = Plan.of(settings), vectors(0, chunks, MADE_UP.dims)
    asked = lookups(WARM_UP + count, rows)
    index = open_index(settings, MADE_UP)
    await fill(index, chunks)
    figures: dict[str, float] = {}
    for name, ask in _asks(index, plan).items():
        figures |= quantiles(name, await timed(ask, asked))
    figures |= await recalls(index, rows, asked, plan.candidates)
    smaller = min(chunks, _RANK_BM25_CHUNKS)
    figures |= quantiles(f"keyword_{smaller // 1000}k", await _tantivy(settings, smaller, asked, plan.candidates))
    baseline = quantiles(f"keyword_{smaller // 1000}k", await _rank_bm25(smaller, asked[: WARM_UP + _RANK_BM25_QUESTIONS], plan.candidates))
    if weaviate:
        from infra.bench.weaviate_hybrid import hybrid_times

        baseline |= quantiles("hybrid", await hybrid_times(settings, chunks, asked, plan))
    return report("retrieval", figures=figures, baseline=baseline, goals=_GOALS)


async def fill(index: ChunkIndex, chunks: int) -> None:
    """As if the records of `chunks` had come."""
    offset = 0
    for events in chunk_events(chunks, embedder=MADE_UP.name, dims=MADE_UP.dims):
        await index.apply([Record(CHUNKS.name, 0, offset + place, *encode(event, BENCH)) for place, event in enumerate(events)])
        offset += len(events)
    gc.freeze()  # as in a worker


async def recalls(index: ChunkIndex, rows: Vectors, asked: Sequence[Asked], candidates: int) -> dict[str, float]:
    """Of the ten nearest by comparing all, the share among the first ten: of as many as the search takes, and when no more than ten are asked for."""
    exact = [_nearest(rows, one.vector) for one in asked]
    figures = {}
    for name, k in (("vector_recall_at_10", candidates), ("vector_recall_at_10_of_10", 10)):
        found = [{hit.chunk_id for hit in (await index.near(TENANT, one.vector, k))[:10]} for one in asked]
        figures[name] = float(np.mean([len(ten & true) / len(true) for ten, true in zip(found, exact, strict=True)]))
    return figures


def _asks(index: ChunkIndex, plan: Plan) -> dict[str, Ask]:
    async def given(vector: Vectors) -> Vectors:
        return vector

    guards = Guards()  # as in a worker, which has the same ones for all questions

    return {
        "hybrid": lambda one: search(Lookup(TENANT, one.text), given(one.vector), index=index, plan=plan, guards=guards),
        "vector": lambda one: index.near(TENANT, one.vector, plan.candidates),
        "keyword": lambda one: index.sharing(TENANT, one.text, plan.candidates),
    }


def _nearest(rows: Vectors, vector: Vectors) -> set[str]:
    scores = rows @ vector
    return {f"{TENANT}/bench-{number // 10}#{number % 10}" for number in np.argpartition(-scores, 10)[:10]}


async def _tantivy(settings: Settings, chunks: int, asked: Sequence[Asked], k: int) -> list[float]:
    index = open_keyword_index(settings.keyword_index)
    assert index is not None
    await index.upsert(TENANT, [Entry(str(number), "", "", text_of(number)) for number in range(chunks)])
    await index.commit()
    return await timed(lambda one: index.search(TENANT, one.text, k), asked)


async def _rank_bm25(chunks: int, asked: Sequence[Asked], k: int) -> list[float]:
    analyser = Analyser()
    index = BM25Okapi([analyser.terms(text_of(number)) for number in range(chunks)])

    async def ask(one: Asked) -> object:
        scores = index.get_scores(analyser.question_terms(one.text))
        best = np.argpartition(-scores, k)[:k]
        return best[np.argsort(-scores[best], kind="stable")]

    return await timed(ask, asked)
