"""What `roxy index` does: looks at the index's generations, builds one from the log, and says which one is to serve."""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

from opentelemetry import trace

from connectors.embedder import open_embedder
from connectors.journal import Journal, open_journal
from connectors.observability import traceparent_of
from schemas.codec import Context, decode
from schemas.errors import InvalidInput, InvalidSetting
from schemas.events import IndexGenerationBuilt, IndexGenerationRefused, IndexGenerationServed, IndexGenerationSwapped
from schemas.settings import Settings
from schemas.topics import CHUNKS, DOCUMENTS, GENERATIONS
from streams.generation_folder import drop_folder, generation_folder
from streams.generations import LIVE, Generations
from streams.ports import open_workshop
from streams.positions import origin_at
from streams.rebuild_index import Built, Origin, Source, Workshop, build, verify
from streams.replay import Advance, length
from streams.snapshot import DoubtfulSnapshot, Manifest, write_snapshot

_GRACE_S = 1.0  # for the other workers' word, once the first has spoken

Total = Callable[[int], None]
Report = IndexGenerationServed | IndexGenerationRefused


class Kept(NamedTuple):
    """A folder of this machine that holds an index."""

    folder: Path
    generation: int
    identity: str
    chunks: int
    digest: str
    offsets: Mapping[int, int]
    age_s: float


class IndexStatus(NamedTuple):
    """What there is."""

    generations: Generations
    kept: tuple[Kept, ...]
    ends: Mapping[int, int]  #: of `chunks`


class Swap(NamedTuple):
    """What came of one."""

    event: IndexGenerationSwapped
    reports: tuple[Report, ...]  #: of the workers that have spoken


async def index_status(settings: Settings) -> IndexStatus:
    """Raises LogUnavailable."""
    async with open_journal(settings) as journal:
        kept = await asyncio.to_thread(lambda: tuple(_kept(settings.state_dir)))
        return IndexStatus(await Generations.read(journal), kept, await journal.ends(CHUNKS))


async def rebuild(settings: Settings, *, at: str | None, source: Source | None, total: Total, advance: Advance) -> IndexGenerationBuilt:
    """Build a generation, verify it, put it into its folder, and write that it is there. Nobody serves it yet.

    Raises InvalidPosition, UnknownQuery, GenerationDiffers, Unavailable.
    """
    async with opened_workshop(settings) as shop:
        identity, begun = _identity(shop), time.perf_counter()
        with _alone(generation_folder(settings.state_dir, identity, LIVE).parent):
            origin = await origin_at(at, source, shop.journal)
            total(await _steps(origin, shop.journal))
            built = await build(origin, shop, advance=advance)
            await verify(built)
            built.index.generation = (await Generations.read(shop.journal)).next
            folder = generation_folder(settings.state_dir, identity, built.index.generation)
            await write_snapshot(built.index, folder, await shop.journal.epoch(CHUNKS))
            event = await _event(built, origin, at, shop, time.perf_counter() - begun)
            await shop.journal.append(event, _context())
    return event


async def swap(settings: Settings, generation: int | None, *, wait_s: float) -> Swap:
    """Let a generation serve; None: the one before. Returns what the workers said within that time. Raises UnknownGeneration, InvalidInput."""
    async with open_journal(settings) as journal:
        generations = await Generations.read(journal)
        wanted = generations.before if generation is None else generation
        if wanted != LIVE:
            generations.require(wanted)
        if wanted == generations.serving:
            raise InvalidInput(f"Generation {wanted} serves already.", remedy="See `roxy index status`.")
        event = IndexGenerationSwapped(id=f"swap-{generations.swaps + 1}", generation=wanted, before=generations.serving)
        position = await journal.append(event, _context())
        return Swap(event, tuple([report async for report in _reports(journal, {position.partition: position.offset + 1}, wait_s)]))


async def drop(settings: Settings, generation: int) -> int:
    """Take a generation's folder off this machine; returns how many bytes that gives back. Raises UnknownGeneration, InvalidInput."""
    async with open_journal(settings) as journal:
        event = (await Generations.read(journal)).require_spare(generation)
    freed = await asyncio.to_thread(drop_folder, generation_folder(settings.state_dir, event.identity, generation))
    if not freed:
        raise InvalidInput(f"Generation {generation} has no folder on this machine.", remedy="`roxy index status` shows what lies here.")
    return freed


@asynccontextmanager
async def opened_workshop(settings: Settings) -> AsyncIterator[Workshop]:
    """What builds need. Raises InvalidSetting where the index lies on a server."""
    if "weaviate" in (settings.vector_index, settings.keyword_index):
        raise InvalidSetting(
            "A generation of an index on a server is not built on this machine.",
            remedy="Use `roxy index shared`, or embedded indexes (ROXY_VECTOR_INDEX, ROXY_KEYWORD_INDEX).",
        )
    embedder = await asyncio.to_thread(open_embedder, settings.embedder, settings.state_dir if settings.embedding_cache else None)
    async with open_journal(settings) as journal:
        yield open_workshop(settings, journal, embedder)


async def _reports(journal: Journal, start: Mapping[int, int], wait_s: float) -> AsyncIterator[Report]:
    """Until the time is over, or a moment after the first word."""
    until = time.monotonic() + wait_s
    async with journal.follow(GENERATIONS, start) as follower:
        while (left := until - time.monotonic()) > 0:
            for record in await follower.read(left):
                event = decode(record)
                if isinstance(event, IndexGenerationServed | IndexGenerationRefused):
                    until = min(until, time.monotonic() + _GRACE_S)
                    yield event


def _identity(shop: Workshop) -> str:
    return shop.open_index().identity


async def _steps(origin: Origin, journal: Journal) -> int:
    """Offsets to read, and about as many chunks to add."""
    return 2 * await length(journal, CHUNKS, origin.chunks) + await length(journal, DOCUMENTS, origin.documents)


async def _event(built: Built, origin: Origin, at: str | None, shop: Workshop, took_s: float) -> IndexGenerationBuilt:
    from_documents = origin.source == "documents"
    return IndexGenerationBuilt(
        id=f"generation-{built.index.generation}",
        generation=built.index.generation,
        source=origin.source,
        offsets=built.index.position.offsets,
        document_offsets={str(partition): offset for partition, offset in sorted(origin.documents.items())},
        live=at is None,
        identity=built.index.identity,
        cutting=shop.cutter.fingerprint if from_documents else "",
        epoch=await shop.journal.epoch(DOCUMENTS if from_documents else CHUNKS),
        chunks=built.index.size,
        documents=built.documents,
        failed=built.failed,
        digest=built.index.digest,
        at=at,
        took_ms=round(took_s * 1000, 3),
    )


def _kept(state_dir: Path) -> Iterator[Kept]:
    for folder in sorted((state_dir / "index").glob("*/[gs]*-*")):
        try:
            manifest = Manifest.read(folder)
        except DoubtfulSnapshot:
            continue
        age_s = round(time.time() - manifest.written_ms / 1000, 1)
        yield Kept(folder, manifest.generation, manifest.identity, manifest.chunks, manifest.digest, manifest.offsets, age_s)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One build at a time on a machine: two would take the same number."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".rebuild").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidInput("Another build is under way on this machine.", remedy="Wait for it, or stop it; it leaves nothing behind.") from error
        yield


def _context() -> Context:
    return Context("/roxy/cli", traceparent_of(trace.get_current_span()))
