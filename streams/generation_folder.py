"""Generation folder: a generation of the index as it lies on this machine. One that is not here is made out of the log, as its event says."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import datetime
from pathlib import Path

import structlog

from schemas.errors import GenerationDiffers, Unavailable
from schemas.events import IndexGenerationBuilt
from schemas.topics import CHUNKS, DOCUMENTS, HISTORY_MS
from streams.chunk_index import ChunkIndex
from streams.rebuild_index import Origin, Workshop, build
from streams.snapshot import DoubtfulSnapshot, Manifest, load_snapshot, write_snapshot
from streams.snapshots import index_folder, require_fit

log = structlog.get_logger(__name__)


def generation_folder(state_dir: Path, identity: str, generation: int) -> Path:
    """Where a generation lies on a machine that has built or loaded it."""
    return index_folder(state_dir, identity) / f"generation-{generation}"


def drop_folder(folder: Path) -> int:
    """Take it away as a whole: who loads it finds all of it or nothing. How many bytes that gives back; 0 if it is not here."""
    if not folder.is_dir():
        return 0
    gone = folder.rename(folder.with_name(f".{folder.name}-{time.time_ns()}"))
    size = sum(file.stat().st_size for file in gone.iterdir())
    shutil.rmtree(gone)
    return size


async def load_generation(event: IndexGenerationBuilt, shop: Workshop, state_dir: Path) -> ChunkIndex:
    """As it was built: out of its folder, else out of the log. Raises GenerationDiffers, Unavailable."""
    index = shop.open_index()
    if event.identity != index.identity:
        raise GenerationDiffers(
            f"Generation {event.generation} is of {event.identity}; these settings make {index.identity}.",
            remedy="Start the workers with the settings that it was built with, or take the swap back: `roxy index rollback`.",
        )
    if event.live and _age_ms(event) > HISTORY_MS:  # its folder may be younger than what it follows from
        raise GenerationDiffers(f"Generation {event.generation} would follow `chunks` from where deletions may have been compacted away.")
    folder = generation_folder(state_dir, event.identity, event.generation)
    try:
        manifest = await asyncio.to_thread(Manifest.read, folder)
        if (manifest.digest, manifest.generation) != (event.digest, event.generation):
            raise DoubtfulSnapshot("it is another build")
        await require_fit(manifest, index, shop.journal, frozen=not event.live)
        await load_snapshot(index, folder, manifest)
    except DoubtfulSnapshot as doubt:
        log.info("generation is built from the log", generation=event.generation, doubt=str(doubt))
        return await _built(event, shop, folder)
    return index


async def _built(event: IndexGenerationBuilt, shop: Workshop, folder: Path) -> ChunkIndex:
    """Anew, and into its folder for the next time."""
    if event.epoch != await shop.journal.epoch(CHUNKS if event.source == "chunks" else DOCUMENTS):
        raise GenerationDiffers(f"Generation {event.generation} was built of a topic {event.source} that was deleted since.")
    if event.source == "documents" and event.cutting != shop.cutter.fingerprint:
        raise GenerationDiffers(f"Generation {event.generation} was cut with other settings than these.")
    index = (await build(Origin.of(event), shop)).index
    if index.digest != event.digest:
        raise GenerationDiffers(f"Generation {event.generation} comes out of the log as {index.digest}; it was built as {event.digest}.")
    index.generation = event.generation
    try:
        await write_snapshot(index, folder, await shop.journal.epoch(CHUNKS))
    except Unavailable:
        raise
    except Exception:  # the disk is full, or another worker writes it too: what was built serves all the same
        log.exception("generation not kept in its folder", generation=event.generation)
    return index


def _age_ms(event: IndexGenerationBuilt) -> float:
    return (time.time() - datetime.fromisoformat(event.time).timestamp()) * 1000
