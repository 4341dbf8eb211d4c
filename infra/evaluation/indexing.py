"""Indexing: a dataset's documents through the real pipeline into an index, over logs in memory. `Indexes` keeps one per way of cutting.

Documents are DocumentSubmitted records; the step of the table in streams/app.py takes them in, and what it writes to `chunks` is followed
as a worker follows it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from connectors.chunker import open_chunker
from connectors.embedder.base import Embedder, Vectors
from connectors.journal.memory import MemoryJournal
from connectors.reranker import open_reranker
from connectors.reranker.base import Reranker
from connectors.session_log.memory import MemorySessionLog
from infra.evaluation.progress import Advance, Report, quietly
from schemas.codec import Context, decode
from schemas.errors import InvalidDataset
from schemas.events import DocumentFailed, DocumentIndexed, DocumentSubmitted
from schemas.settings import Settings
from schemas.topics import DOCUMENTS, INGESTIONS
from streams.app import steps
from streams.chunk_index import follow
from streams.ports import Ports, open_index, open_ports
from streams.step import Frame, Policy
from streams.window import Window

CUTTING = ("chunker", "chunk_tokens", "chunk_overlap", "chunk_min_tokens")  #: the settings that an index depends on
_CONTEXT = Context("/roxy/eval", "00-" + "0" * 31 + "1-" + "0" * 15 + "1-00")
_SLOTS = 64  # documents taken in side by side, so that their chunks are embedded together
_KEPT = 4  # indexes in memory
_WAIT_S = 0.2


class Indexed(NamedTuple):
    """An index that can be asked, and what it cost."""

    ports: Ports
    chunks: int
    most_chunks: int  #: of one document
    failed: tuple[DocumentFailed, ...]
    embed_s: float  #: in which the embedder was at work
    index_s: float  #: in all, from the first record to the last chunk that can be found


class ClockedEmbedder:
    """An embedder that knows how long it was at work."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dims = embedder.name, embedder.dims
        self.busy_s = 0.0
        self._embedder, self._calls, self._since = embedder, 0, 0.0

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        return await self._embedder.known(texts)

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        """Calls that overlap count once."""
        if not self._calls:
            self._since = time.perf_counter()
        self._calls += 1
        try:
            return await self._embedder.embed(texts, question=question)
        finally:
            self._calls -= 1
            if not self._calls:
                self.busy_s += time.perf_counter() - self._since


class Indexes:
    """The indexes of one collection. The ports are opened once; each way of cutting is taken in when it is first asked for."""

    def __init__(self, documents: Sequence[DocumentSubmitted], settings: Settings) -> None:
        self._documents, self._settings = documents, settings
        self._ports: Ports | None = None
        self._kept: OrderedDict[tuple[object, ...], Indexed] = OrderedDict()
        self._rerankers: dict[str, Reranker | None] = {}

    async def of(self, settings: Settings, report: Report = quietly) -> Indexed:
        """The index that these settings make. Raises RoxyError."""
        cut = tuple(getattr(settings, name) for name in CUTTING)
        if cut not in self._kept:
            ports = await self._opened(settings)
            self._kept[cut] = await index_documents(ports, self._documents, report("Indexing", len(self._documents)))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(cut)
        indexed = self._kept[cut]
        reranker = await self._reranker(settings.reranker)
        return indexed._replace(ports=replace(indexed.ports, rerankers={settings.reranker: reranker} if reranker else {}))

    async def _reranker(self, setting: str) -> Reranker | None:
        """Loaded once, as it takes seconds."""
        if setting not in self._rerankers:
            self._rerankers[setting] = await asyncio.to_thread(open_reranker, setting)
        return self._rerankers[setting]

    async def _opened(self, settings: Settings) -> Ports:
        """The ports with a chunker and an empty index of their own."""
        if self._ports is None:
            self._ports = await open_ports(self._settings, MemorySessionLog())
        embedder = ClockedEmbedder(self._ports.embedder) if self._ports.embedder else None
        return replace(
            self._ports, settings=settings, chunker=open_chunker(settings, embedder), embedder=embedder, index=open_index(settings, embedder)
        )


async def index_documents(ports: Ports, documents: Sequence[DocumentSubmitted], advance: Advance) -> Indexed:
    """Take documents in until each is indexed or has failed. Raises InvalidDataset if none could be."""
    begun = time.perf_counter()
    journal = MemoryJournal()
    following = asyncio.create_task(follow(journal, ports.index))
    try:
        await journal.append_all(documents, _CONTEXT)
        working = asyncio.create_task(_take_in(journal, ports))
        indexed, failed = await _outcomes(journal, len(documents), working, advance)
        await ports.index.wait_for(await journal.ends(ports.index.topic))
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    if not indexed:
        raise InvalidDataset(f"No document could be indexed; the first: {failed[0].detail}", remedy=failed[0].remedy)
    busy = ports.embedder.busy_s if isinstance(ports.embedder, ClockedEmbedder) else 0.0
    most = max(outcome.chunks for outcome in indexed)
    return Indexed(ports, ports.index.size, most, tuple(failed), busy, time.perf_counter() - begun)


async def _take_in(journal: MemoryJournal, ports: Ports) -> None:
    """What a worker's agent does with each record of `documents`."""
    step = next(step for step in steps(ports, journal) if step.topic is DOCUMENTS)
    policy = Policy(ports.settings.step_tries, ports.settings.step_timeout_s)
    frame = Frame(step, journal=journal, session_log=ports.session_log, policy=policy)
    window = Window(lambda record: frame.work(record, redelivered=False, generation=1), slots=_SLOTS)
    for record in journal.records(DOCUMENTS):
        await window.admit(record)


async def _outcomes(
    journal: MemoryJournal, count: int, working: asyncio.Task[None], advance: Advance
) -> tuple[list[DocumentIndexed], list[DocumentFailed]]:
    """Wait for what became of each document."""
    indexed: list[DocumentIndexed] = []
    failed: list[DocumentFailed] = []
    async with journal.follow(INGESTIONS) as follower:
        while (before := len(indexed) + len(failed)) < count:
            events = [decode(record) for record in await follower.read(_WAIT_S)]
            indexed += [event for event in events if isinstance(event, DocumentIndexed)]
            failed += [event for event in events if isinstance(event, DocumentFailed)]
            advance(len(indexed) + len(failed) - before)
            if working.done():
                working.result()
    return indexed, failed
