"""Serving: which generation of the index answers this worker's questions, and how another comes to.

A worker follows the topic `generations`. The generation that is to serve is loaded beside the one that does, out of its folder or, where that is
not on this machine, out of the log; once it has caught up, questions go to it. None waits for that, and one that is under way ends where it began.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from opentelemetry import trace

from connectors.background import ended
from connectors.journal.base import Journal, reached
from connectors.observability import traceparent_of
from schemas.codec import Context
from schemas.errors import RoxyError, Unavailable
from schemas.events import IndexGenerationBuilt, IndexGenerationRefused, IndexGenerationServed
from schemas.topics import CHUNKS, GENERATIONS
from streams.chunk_index import ChunkIndex, follow
from streams.generation_folder import load_generation
from streams.generations import LIVE, Generations
from streams.rebuild_index import Workshop
from streams.taking_over import follow_documents

_READ_S = 5.0
_RETRY_S = 1.0

log = structlog.get_logger(__name__)


@dataclass
class Serving:
    """The generation that questions search. None: the index that follows `chunks`, which ingestion always asks."""

    loaded: ChunkIndex | None = None

    @property
    def generation(self) -> int:
        return self.loaded.generation if self.loaded else LIVE


class Swaps:
    """Follows `generations` and swaps. `settled` is set once the generation that is to serve does, or was refused."""

    def __init__(self, shop: Workshop, state_dir: Path, live: ChunkIndex, serving: Serving) -> None:
        self._shop, self._state_dir, self._live, self._serving = shop, state_dir, live, serving
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._following: asyncio.Task[None] | None = None
        self._seen = 0
        self._untold: IndexGenerationServed | IndexGenerationRefused | None = None
        self.settled = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                try:
                    await self._follow(self._shop.journal)
                except Unavailable as error:
                    log.warning("generations not followed", error=str(error), retry_s=_RETRY_S)
                except Exception:  # the generation that serves must go on being followed
                    log.exception("generations not followed", retry_s=_RETRY_S)
                await asyncio.sleep(_RETRY_S)
        finally:
            await _cancelled(self._following)

    async def _follow(self, journal: Journal) -> None:
        generations, ends = Generations(), await journal.ends(GENERATIONS)
        async with journal.follow(GENERATIONS) as follower:
            while True:
                if reached(follower.positions, ends):
                    await self._settle(generations)
                    self.settled.set()
                for record in await follower.read(_READ_S):
                    generations.add(record)

    async def _settle(self, generations: Generations) -> None:
        """Swap if there was a swap since the last look. A generation that cannot be loaded is not tried again before the next swap."""
        await self._tell()  # the log may have been away when it was to be told
        if generations.swaps == self._seen:
            return
        wanted = generations.serving
        if wanted != self._serving.generation:
            try:
                self._untold = await self._swap(generations, wanted)
            except Unavailable:
                raise
            except RoxyError as error:
                self._untold = self._refused(wanted, generations.swaps, error)
            except Exception as error:
                log.exception("generation not loaded", generation=wanted)
                self._untold = self._refused(wanted, generations.swaps, RoxyError(f"{type(error).__name__}: {error}."))
        self._seen = generations.swaps
        await self._tell()

    async def _tell(self) -> None:
        """What became of the last swap: who began it waits for that."""
        if self._untold:
            await self._shop.journal.append(self._untold, _context())
            self._untold = None

    async def _swap(self, generations: Generations, wanted: int) -> IndexGenerationServed:
        begun, index, following = time.perf_counter(), self._live, None
        if wanted != LIVE:
            event = generations.require(wanted)
            index = await load_generation(event, self._shop, self._state_dir)
            if event.live:
                following = asyncio.create_task(self._followed(event, index), name=f"generation-{wanted}")
                await self._caught_up(index, following)
        before, self._following = self._following, following
        self._serving.loaded = None if wanted == LIVE else index
        await _cancelled(before)
        log.info("generation serves", generation=wanted, chunks=index.size)
        return IndexGenerationServed(
            id=f"generation-{wanted}:{generations.swaps}:{self._worker}",
            generation=wanted,
            worker=self._worker,
            chunks=index.size,
            digest=index.digest,
            offsets=index.position.offsets,
            took_ms=round((time.perf_counter() - begun) * 1000, 3),
        )

    async def _caught_up(self, index: ChunkIndex, following: asyncio.Task[None]) -> None:
        """Should that fail, nobody will ask this index: it must not be fed on."""
        try:
            await index.wait_for(await self._shop.journal.ends(CHUNKS))
        except BaseException:
            await _cancelled(following)
            raise

    def _followed(self, event: IndexGenerationBuilt, index: ChunkIndex) -> Coroutine[Any, Any, None]:
        if event.source == "documents":
            return follow_documents(self._shop.journal, index, self._live)
        return follow(self._shop.journal, index)

    def _refused(self, wanted: int, swap: int, error: RoxyError) -> IndexGenerationRefused:
        log.error("generation refused", generation=wanted, serves=self._serving.generation, error=str(error))
        return IndexGenerationRefused(
            id=f"generation-{wanted}:{swap}:{self._worker}:refused",
            generation=wanted,
            worker=self._worker,
            serves=self._serving.generation,
            error=error.slug(),
            detail=error.detail,
            remedy=error.remedy,
        )


def _context() -> Context:
    return Context("/roxy/worker", traceparent_of(trace.get_current_span()))


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        await ended(task)
