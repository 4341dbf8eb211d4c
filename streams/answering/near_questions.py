"""Near questions: which of the questions answered before lies nearest to a new one. Vectors of the answer cache, made in the background.

Nobody waits for them, and none are made before somebody asks for what is near. Bounded: so many circumstances (`around`), so many questions
in each; the oldest go first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import structlog
from cachetools import LRUCache

from connectors.embedder.base import Embedder, Vectors
from schemas.errors import Unavailable

_AROUNDS = 32  # of 1.5 MiB each, if they are full: a new state of the index makes a new one, and the old are asked for no more
_QUESTIONS = 1_000  # in one of them: compared with all of these in 0.1 ms
_WAITING = 4_096
_BATCH = 32
_PATIENCE_S = 0.25  # for the question's vector, which the search has just made
_RETRY_S = 5.0

log = structlog.get_logger(__name__)


class Near(NamedTuple):
    """A question that was answered."""

    question: str  #: its hash
    asked: str
    similarity: float  #: cosine


class _Answered(NamedTuple):
    around: str
    question: str
    asked: str


class _Rows(NamedTuple):
    told: tuple[_Answered, ...]
    vectors: Vectors


class NearQuestions:
    """See the module. `learn` runs in the background."""

    def __init__(self, embedder: Embedder, *, wanted: bool = False) -> None:
        self._embedder = embedder
        self._rows: LRUCache[str, _Rows] = LRUCache(_AROUNDS)
        self._waiting: deque[_Answered] = deque(maxlen=_WAITING)
        self._wanted, self._told = asyncio.Event(), asyncio.Event()
        if wanted:
            self._wanted.set()

    def tell(self, around: str, question: str, asked: str) -> None:
        """A question that was answered; one that is known is passed over."""
        self._waiting.append(_Answered(around, question, asked))
        self._told.set()

    async def nearest(self, around: str, asked: str, least: float) -> Iterator[Near]:
        """Those at least so near, the nearest first."""
        self._wanted.set()
        rows = self._rows.get(around)
        vector = await self._vector_of(asked) if rows is not None else None
        return _nearest(rows, vector, least) if rows is not None and vector is not None else iter(())

    async def learn(self) -> None:
        """Make the vectors of what was told, the latest first, until cancelled."""
        await self._wanted.wait()
        while True:
            await self._told.wait()
            some = [self._waiting.pop() for _ in range(min(_BATCH, len(self._waiting)))]
            if not some:
                self._told.clear()
                continue
            try:
                vectors = await self._embedder.embed([told.asked for told in some])
            except Unavailable as error:
                log.warning("questions not compared", error=str(error), retry_s=_RETRY_S)
                self._waiting.extend(reversed(some))
                await asyncio.sleep(_RETRY_S)
                continue
            except Exception:  # asked again, it would say the same
                log.exception("questions not compared", questions=len(some))
                continue
            self._add(some, vectors)

    async def _vector_of(self, question: str) -> Vectors | None:
        """None if it takes longer than it may save, or fails."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                row: Vectors = (await self._embedder.embed([question], question=True))[0]
                return row
        except (TimeoutError, Unavailable):
            return None
        except Exception:
            log.exception("question not compared")
            return None

    def _add(self, some: Sequence[_Answered], vectors: Vectors) -> None:
        """All of the same circumstances at once: each time, all their rows are copied."""
        for around in {told.around for told in some}:
            rows = self._rows.get(around) or _Rows((), np.empty((0, self._embedder.dims), np.float32))
            known = {told.question for told in rows.told}
            new = {told.question: place for place, told in enumerate(some) if told.around == around and told.question not in known}
            told = (*rows.told, *(some[place] for place in new.values()))
            self._rows[around] = _Rows(told[-_QUESTIONS:], np.vstack([rows.vectors, vectors[list(new.values())]])[-_QUESTIONS:])


def _nearest(rows: _Rows, vector: Vectors, least: float) -> Iterator[Near]:
    similarities = rows.vectors @ vector
    for place in np.argsort(-similarities):
        if similarities[place] < least:
            return
        told = rows.told[place]
        yield Near(told.question, told.asked, float(similarities[place]))
