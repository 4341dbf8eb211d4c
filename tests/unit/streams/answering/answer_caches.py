"""Answer caches with what was answered before, and an embedder by which they know what is asked in other words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np

from connectors.embedder.base import Vectors
from connectors.language_model.base import Prompt
from schemas.event import rfc3339
from schemas.events import AnswerCompleted, CacheKey, Citation
from schemas.settings import Settings
from streams.answering.answer_cache import AnswerCache, Hit
from streams.answering.near_questions import NearQuestions
from tests.builders import a_chunk

NOW = 1_800_000_000.0
EXACT, SEMANTIC = Settings(), Settings(semantic_cache=True, semantic_threshold=0.9)
CHUNKS = (a_chunk(1), a_chunk(2))


def a_key(question: str = "q", around: str = "here") -> CacheKey:
    return CacheKey(question=f"{around}/{question}", around=around)


def asked_of(key: CacheKey) -> str:
    return key.question.partition("/")[2]


def an_answer(
    text: str = "Kept [1].", key: CacheKey | None = None, *, number: int = 1, age_s: float = 60.0, cites: Sequence[int] = (1,)
) -> AnswerCompleted:
    citations = tuple(Citation(number=n, chunk_id=f"d{n}#0", document_id=f"d{n}", title="", source="") for n in cites)
    return AnswerCompleted(
        **{"id": f"a-{number}:end", "tenant": "default", "session_id": "t1", "query_id": f"{number}", "answer_id": f"a-{number}", "attempt": 1},
        **{
            "time": rfc3339(datetime.fromtimestamp(NOW - age_s, UTC)),
            "question": "Q?",
            "asked": asked_of(key or a_key()),
            "text": text,
            "answered": True,
            "citations": citations,
        },
        **{"model": "scripted", "tokens_end": 1, "took_ms": 1.0, "cache_key": key or a_key()},
    )


def a_cache(*answers: AnswerCompleted, seconds: float = 3_600.0, near: NearQuestions | None = None) -> AnswerCache:
    cache = AnswerCache(seconds, near, now=lambda: NOW)
    for answer in answers:
        cache.put(answer)
    return cache


async def given_for(cache: AnswerCache, key: CacheKey, settings: Settings = EXACT, chunks: Sequence[Any] = CHUNKS) -> Hit | None:
    return await cache.get(key, Prompt(asked_of(key), tuple(chunks)), settings)


class TwoWays:
    """Embedder: questions with "alike" in them lie close together, others apart; fails with `fault` if there is one."""

    name, dims = "two-ways", 2
    fault: Exception | None = None

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        if self.fault:
            raise self.fault
        return np.array([[1.0, 0.0] if "alike" in text else [0.0, 1.0] for text in texts], np.float32)

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        return [False for _ in texts]


async def learnt(near: NearQuestions) -> None:
    """All that was told has its vector."""
    task = asyncio.create_task(near.learn())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
