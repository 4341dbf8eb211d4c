"""Embedder in front of another: what was embedded once, on this machine by this model, is not computed again.

Questions and chunks alike. A vector is the same whether it was kept or has just been computed. Without its file (damaged, locked, disk full)
everything goes on, only slower: that is logged when it begins and when it is over. Reading and writing have a thread each, so that a question
does not wait while rows are written; nobody waits for the writing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import structlog
from prometheus_client import Counter

from connectors.embedder.base import Embedder, Vectors
from connectors.embedder.kept_vectors import KeptVectors, as_kept, key_of

FILE = "embeddings.sqlite"
_READ_WAIT_S, _WRITE_WAIT_S = 0.05, 2.0  # for another process that has the file locked: a question cannot wait, a writer can
_AWAY_S = 10.0  # a file that could not be worked with is left alone this long

_hits = Counter("roxy_embedding_cache_hits", "Texts whose vector was kept.")
_misses = Counter("roxy_embedding_cache_misses", "Texts that had to be embedded.")

log = structlog.get_logger(__name__)
T = TypeVar("T")


class CachedEmbedder:
    """`path`: the file, which is made if it is not there."""

    def __init__(self, inner: Embedder, path: Path) -> None:
        self.name, self.dims = inner.name, inner.dims
        self._inner = inner
        self._reading, self._writing = _Lane(path, _READ_WAIT_S), _Lane(path, _WRITE_WAIT_S)
        self._writing.open()
        self._keeping: set[asyncio.Task[None]] = set()

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        keys = [key_of(self.name, text) for text in texts]
        found = await self._find(set(keys))
        return [key in found for key in keys]

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        """See connectors/embedder/base.py. A text that comes twice is computed once."""
        keys = [key_of(self.name, text) for text in texts]
        text_of = dict(zip(keys, texts, strict=True))
        rows = await self._find(text_of)
        missing = [key for key in text_of if key not in rows]
        _hits.inc(len(text_of) - len(missing))
        _misses.inc(len(missing))
        if missing:
            fresh = await self._inner.embed([text_of[key] for key in missing], question=question)
            self._keep(dict(zip(missing, fresh, strict=True)))
            rows |= zip(missing, as_kept(fresh), strict=True)
        return np.stack([rows[key] for key in keys]) if keys else np.zeros((0, self.dims), dtype=np.float32)

    async def kept(self) -> None:
        """Return once everything computed so far is in the file, or is given up."""
        await asyncio.gather(*self._keeping)

    async def _find(self, keys: Collection[bytes]) -> dict[bytes, Vectors]:
        return await self._reading.call(lambda file: file.find(list(keys), self.dims), otherwise={}) if keys else {}

    def _keep(self, rows: Mapping[bytes, Vectors]) -> None:
        task = asyncio.create_task(self._writing.call(lambda file: file.keep(rows), otherwise=None), name="keep-vectors")
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)


class _Lane:
    """A thread with a connection of its own to the file."""

    def __init__(self, path: Path, wait_s: float) -> None:
        self._path, self._wait_s = path, wait_s
        self._thread = ThreadPoolExecutor(1, "kept-vectors")
        self._file: KeptVectors | None = None
        self._closing: Callable[[], object] = lambda: None
        self._away_until = float("-inf")
        self._failing = False

    def open(self) -> None:
        """Make the file, if it is not there. Blocks."""
        self._call(lambda _: None, None)

    async def call(self, work: Callable[[KeptVectors], T], *, otherwise: T) -> T:
        """Do this in the thread; `otherwise` if the file cannot be worked with."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, work, otherwise)

    def _call(self, work: Callable[[KeptVectors], T], otherwise: T) -> T:
        if time.monotonic() < self._away_until:
            return otherwise
        try:
            done = work(self._opened())
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return otherwise
        if self._failing:
            log.info("embedding cache usable again", file=str(self._path))
        self._failing = False
        return done

    def _opened(self) -> KeptVectors:
        if self._file is None:
            self._file = KeptVectors(self._path, self._wait_s)
            self._closing = weakref.finalize(self, self._file.close)
        return self._file

    def _give_up(self, error: Exception) -> None:
        """For a while; then the file is opened anew."""
        self._closing()
        self._file, self._away_until = None, time.monotonic() + _AWAY_S
        if not self._failing:
            log.warning(
                "embedding cache not usable: what it holds is embedded again",
                file=str(self._path),
                error=str(error),
                remedy="If it is damaged, delete it while no worker runs.",
            )
        self._failing = True
