"""`roxy bench understanding`: what is made of a question before it is looked up, beside the keyword search that follows.

In one process, over made-up chunks and a session in memory: what is measured is the rules, and what they ask of the index.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from connectors.keyword_index import open_keyword_index
from connectors.session_log.memory import MemorySessionLog
from infra.bench.corpus import BENCH, MADE_UP, chunk_events, questions
from infra.bench.report import Report, Wanted, quantiles, report
from schemas.codec import encode
from schemas.events import QueryAsked
from schemas.record import Record
from schemas.session_id import Session
from schemas.topics import CHUNKS
from streams.chunk_index import ChunkIndex
from streams.turns import Turn, Turns
from streams.understanding.terms import Terms
from streams.understanding.understand import understand
from streams.understanding.vocabulary import Vocabulary

_SESSION = Session("default", "tbench")
_WARM_UP = 50
_BEFORE = 200  # questions in the session before a follow-up
_GOALS: dict[str, Wanted] = {"lookup_p50_ms": ("<=", 0.3)}

Ask = Callable[[str], Awaitable[object]]


async def bench_understanding(keyword_index: str, *, chunks: int, count: int) -> Report:
    """Measure each kind of question, and the search of the same words."""
    index = await _filled(keyword_index, chunks)
    vocabulary, log = Vocabulary(index, Terms.of()), await _session()
    asked = questions(_WARM_UP + count)

    async def turns() -> Sequence[Turn]:
        return await Turns(log).before(_SESSION, "q", _BEFORE)  # as a worker that knows nothing of it yet

    async def understood(text: str) -> object:
        return await understand(_asked("q", text), history=turns, vocabulary=vocabulary)

    async def searched(text: str) -> object:
        return await index.sharing(_SESSION.tenant, text, 200)

    figures = {
        **quantiles("lookup", await _timed(understood, asked)),
        **quantiles("greeting", await _timed(understood, [f"Hello there{'!' * number}" for number in range(len(asked))])),
        **quantiles("acronym", await _timed(understood, [f"ISR {text}" for text in asked])),
        **quantiles("misspelt", await _timed(understood, [f"partitoin {text}" for text in asked])),
        **quantiles("follow_up", await _timed(understood, [f"and {text}" for text in asked])),
    }
    return report("understanding", figures=figures, baseline=quantiles("lookup", await _timed(searched, asked)), goals=_GOALS)


async def _filled(keyword_index: str, chunks: int) -> ChunkIndex:
    index = ChunkIndex(vectors=None, keywords=open_keyword_index(keyword_index), embedder_name=MADE_UP.name)
    offset = 0
    for events in chunk_events(chunks, embedder=MADE_UP.name, dims=0):
        await index.apply([Record(CHUNKS.name, 0, offset + place, *encode(event, BENCH)) for place, event in enumerate(events)])
        offset += len(events)
    return index


async def _session() -> MemorySessionLog:
    log = MemorySessionLog()
    await log.create(_SESSION)
    await log.append(_SESSION, [_asked(f"q{number}", text) for number, text in enumerate(questions(_BEFORE))], BENCH)
    return log


def _asked(query_id: str, text: str) -> QueryAsked:
    return QueryAsked(id=f"{query_id}:asked", tenant=_SESSION.tenant, session_id=_SESSION.id, query_id=query_id, text=text)


async def _timed(ask: Ask, asked: Sequence[str]) -> list[float]:
    """Milliseconds of each question behind the warm-up."""
    times = []
    for number, text in enumerate(asked):
        begun = time.perf_counter()
        await ask(text)
        if number >= _WARM_UP:
            times.append((time.perf_counter() - begun) * 1000)
    return times
