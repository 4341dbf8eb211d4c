"""Snapshots: those of a worker's index on this machine. Workers that share a state folder share them: what one has written, any starts from.

Guarantees: one at a time is written, whoever asks; the newest two are kept; a doubtful one is thrown away and the next older is tried, at
last the log's start, and the log line says why.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from connectors.journal.base import Journal
from schemas.errors import Unavailable
from schemas.topics import CHUNKS, HISTORY_MS
from streams.chunk_index import ChunkIndex
from streams.snapshot import DoubtfulSnapshot, Manifest, load_snapshot, write_snapshot

_KEPT = 2  # a worker may be loading the one before the newest
_SNAPSHOT = "snapshot-"

log = structlog.get_logger(__name__)


def index_folder(state_dir: Path, identity: str) -> Path:
    """Where snapshots and generations of one kind of index lie."""
    return state_dir / "index" / re.sub(r"[^A-Za-z0-9.-]+", "_", identity)


class Snapshots:
    """See the module. `every_s` 0: there are none. Nor are there of an index that lies on a server, which keeps what it has."""

    def __init__(self, state_dir: Path, index: ChunkIndex, journal: Journal, *, every_s: float) -> None:
        self._folder, self._index, self._journal = index_folder(state_dir, index.identity), index, journal
        self._every_s = 0.0 if index.shared else every_s

    async def restore(self) -> None:
        """Fill the empty index from the newest snapshot that fits; else leave it as it is. Raises LogUnavailable."""
        for folder in await asyncio.to_thread(self._newest_first) if self._every_s else ():
            begun = time.perf_counter()
            try:
                manifest = await asyncio.to_thread(Manifest.read, folder)
                await require_fit(manifest, self._index, self._journal)
                await load_snapshot(self._index, folder, manifest)
            except DoubtfulSnapshot as doubt:
                log.warning("snapshot thrown away", snapshot=folder.name, doubt=str(doubt))
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                continue
            except Unavailable:
                raise
            except Exception:  # the index holds nobody knows what: the worker ends, and the next one does not meet this again
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                raise
            log.info("index loaded from its snapshot", chunks=manifest.chunks, took_s=round(time.perf_counter() - begun, 2))
            return
        log.info("no snapshot: the index is read from the log's start")

    async def write(self, *, unless_younger_s: float = 0.0) -> None:
        """A snapshot of what is there now, unless there is one of it, or another worker is at it."""
        with _alone(self._folder) as alone:
            if not alone or await asyncio.to_thread(self._is_written, unless_younger_s):
                return
            begun, name = time.perf_counter(), f"{_SNAPSHOT}{time.time_ns() // 1_000_000:013d}-{os.getpid()}"
            manifest = await write_snapshot(self._index, self._folder / name, await self._journal.epoch(CHUNKS))
            await asyncio.to_thread(self._prune)
        log.info("snapshot written", chunks=manifest.chunks, took_s=round(time.perf_counter() - begun, 2))

    async def keep_writing(self) -> None:
        """For ever."""
        while self._every_s:
            await asyncio.sleep(self._every_s)
            await self.try_to_write(unless_younger_s=self._every_s / 2)
        await asyncio.Event().wait()

    async def try_to_write(self, *, unless_younger_s: float = 0.0) -> None:
        """One that fails is told; the index does not need it."""
        if not self._every_s:
            return
        try:
            await self.write(unless_younger_s=unless_younger_s)
        except (OSError, Unavailable) as error:
            log.warning("snapshot not written", error=str(error))
        except Exception:  # of a library whose disk is full, such as usearch
            log.exception("snapshot not written")

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob(f"{_SNAPSHOT}*"), reverse=True)

    def _is_written(self, unless_younger_s: float) -> bool:
        for folder in self._newest_first()[:1]:
            try:
                newest = Manifest.read(folder)
            except DoubtfulSnapshot:
                return False
            age_s = time.time() - newest.written_ms / 1000
            return newest.offsets == self._index.positions or 0 <= age_s < unless_younger_s
        return False

    def _prune(self) -> None:
        """What a worker that was killed has left is under a name that begins with a dot."""
        for folder in [*self._newest_first()[_KEPT:], *self._folder.glob(f".{_SNAPSHOT}*")]:
            shutil.rmtree(folder, ignore_errors=True)


async def require_fit(manifest: Manifest, index: ChunkIndex, journal: Journal, *, frozen: bool = False) -> None:
    """Raises DoubtfulSnapshot if the log cannot be followed from there by an index of this kind; LogUnavailable. `frozen`: it need not be."""
    if manifest.identity != index.identity:
        raise DoubtfulSnapshot(f"it is of {manifest.identity}, this worker's index is {index.identity}")
    if manifest.saved_as != index.saved_as:
        raise DoubtfulSnapshot(f"its vectors are files of {manifest.saved_as}, and this is {index.saved_as}")
    if manifest.epoch != await journal.epoch(CHUNKS):
        raise DoubtfulSnapshot(f"topic {CHUNKS.name} was made anew since")
    if frozen:
        return
    starts, ends = await journal.starts(CHUNKS), await journal.ends(CHUNKS)
    if not manifest.offsets.keys() <= ends.keys() or any(offset > ends[partition] for partition, offset in manifest.offsets.items()):
        raise DoubtfulSnapshot("it is ahead of the log")
    if any(manifest.offsets.get(partition, 0) < start for partition, start in starts.items()):
        raise DoubtfulSnapshot("the log has lost records behind it")
    if _age_ms(manifest) > HISTORY_MS:
        raise DoubtfulSnapshot("tombstones behind it may have been compacted away")


def _age_ms(manifest: Manifest) -> int:
    return time.time_ns() // 1_000_000 - manifest.written_ms


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process writes there now. The lock goes with its process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
