"""Vector index by usearch, in memory: one HNSW graph a tenant, vectors as bfloat16.

Below 5,000 chunks it compares with every vector (0.4 ms at 5,000); above, it walks the graph.
Adding costs 0.3 ms of a core a vector, and usearch keeps the interpreter lock meanwhile, so an upsert is done in slices, and searches go in between.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import cast

import numpy as np
import orjson
import usearch
from usearch.compiled import Index as Compiled
from usearch.compiled import ScalarKind
from usearch.index import Index

from connectors.embedder.base import Vectors
from connectors.vector_index.base import Hit, hits_of
from schemas.errors import InvalidSetting

_EXACT_BELOW = 5_000
_GRAPH_MOST = 2_000  # hits: for more the way through the graph takes longer than a look at every vector
_EACH_BELOW = 500  # chunks of `within`
# As large as float16, and compared in three quarters of the time by a processor with instructions for it: at 100,000 a search for 200 takes 1.3 ms
# instead of 1.8, adding 23 s instead of 30. Comparing with all of them finds 0.997 of the ten nearest.
_KIND = "bf16"
# Nearest that are kept in mind on the way through the graph. At 100,000 recall@10 of a search for 200 is 0.985 with 288 and 0.977 with 200; with
# 128 while adding it is the same as with 64, and adding takes 1.7 times as long.
_SEARCH_EXPANSION, _ADD_EXPANSION = 288, 64
_FEW, _FEW_EXPANSION = 5, 64  # so few, which feedback asks for, come in a quarter of the time; at 100,000 recall@3 is 0.97 instead of 1.00
_YIELD = 256  # vectors that are saved before other threads get the interpreter lock: 1 ms
_SLICE = 32  # vectors: a search waits about 10 ms for an upsert; with 16 the threads wait for each other too often


class UsearchIndex:
    """See connectors/vector_index/base.py."""

    name = "usearch"
    shared = False
    saved_as = f"usearch {usearch.__version__} {_KIND}, ids by place"

    def __init__(self, dims: int) -> None:
        if not hasattr(Compiled, "get_many"):  # see `fetch`
            raise InvalidSetting(
                f"ROXY_VECTOR_INDEX=usearch: usearch {usearch.__version__} does not give vectors back as Roxy asks for them.",
                remedy="Install the version that requirements/server.txt names.",
            )
        self._tenants: defaultdict[str, _TenantIndex] = defaultdict(lambda: _TenantIndex(dims))

    async def upsert(self, tenant: str, chunk_ids: Sequence[str], vectors: Vectors, *, alone: bool = False) -> None:
        index = self._tenants[tenant]
        # One thread, for the same vectors in the same order then make the same graph; two are no faster in slices that a search can wait for.
        size, threads = (len(chunk_ids), 0) if alone else (_SLICE, 1)
        for start in range(0, len(chunk_ids), max(size, 1)):
            part = slice(start, start + size)
            async with index.lock:
                await asyncio.to_thread(index.upsert, chunk_ids[part], vectors[part], threads)

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        if tenant in self._tenants:
            index = self._tenants[tenant]
            async with index.lock:
                index.remove(chunk_ids)

    async def fetch(self, tenant: str, chunk_ids: Sequence[str]) -> Vectors:
        index = self._tenants[tenant]
        async with index.lock:
            return index.fetch(chunk_ids)

    async def search(self, tenant: str, vector: Vectors, k: int, *, within: Collection[str] | None = None) -> list[Hit]:
        if tenant not in self._tenants:
            return []
        index = self._tenants[tenant]
        async with index.lock:
            return index.search(vector, k) if within is None else index.search_within(vector, k, within)

    async def save(self, folder: Path) -> None:
        """See connectors/vector_index/base.py. Searches need not wait: they and it only read."""
        for tenant, index in list(self._tenants.items()):
            await asyncio.to_thread(index.save, folder / f"{tenant}.usearch")

    async def load(self, folder: Path) -> None:
        for file in await asyncio.to_thread(lambda: sorted(folder.glob("*.usearch"))):
            await asyncio.to_thread(self._tenants[file.stem].load, file)


class _TenantIndex:
    """One tenant's graph. usearch knows its vectors by number; a chunk gets a new one with every upsert, and never an old one again."""

    def __init__(self, dims: int) -> None:
        self.lock = asyncio.Lock()  # usearch must not grow while it is searched
        self._dims = dims
        self._graph = Index(ndim=dims, metric="cos", dtype=_KIND, expansion_add=_ADD_EXPANSION, expansion_search=_SEARCH_EXPANSION)
        self._number_of: dict[str, int] = {}
        self._chunk_of: list[str] = []  # by number; the place of an old one stays, empty: 8 bytes, where a dict took 100 for each chunk

    def upsert(self, chunk_ids: Sequence[str], vectors: Vectors, threads: int) -> None:
        """`threads`: 0 for as many as there are cores."""
        rows = {chunk_id: row for row, chunk_id in enumerate(chunk_ids)}  # the last of an id that comes twice
        self.remove(list(rows))
        numbers = range(len(self._chunk_of), len(self._chunk_of) + len(rows))
        self._chunk_of += [""] * len(rows)  # also those of an add that fails are used up
        self._graph.add(np.array(numbers, dtype=np.uint64), np.ascontiguousarray(vectors[list(rows.values())]), threads=threads)
        self._number_of.update(zip(rows, numbers, strict=True))
        self._chunk_of[numbers.start :] = rows

    def remove(self, chunk_ids: Sequence[str]) -> None:
        known = [self._number_of.pop(chunk_id) for chunk_id in dict.fromkeys(chunk_ids) if chunk_id in self._number_of]
        if known:
            self._graph.remove(np.array(known, dtype=np.uint64))
        for number in known:
            self._chunk_of[number] = ""

    def fetch(self, chunk_ids: Sequence[str]) -> Vectors:
        numbers = [self._number_of[chunk_id] for chunk_id in chunk_ids]
        if not numbers:
            return np.zeros((0, self._dims), dtype=np.float32)
        # `Index.get` casts each of them anew, which takes four fifths of its time.
        rows = cast(list[Vectors], self._graph._compiled.get_many(np.array(numbers, dtype=np.uint64), ScalarKind.F32))
        return np.concatenate(rows).reshape(-1, self._dims)

    def search(self, vector: Vectors, k: int) -> list[Hit]:
        wanted = min(k, len(self._number_of))
        if not wanted:
            return []
        expansion = _FEW_EXPANSION if wanted <= _FEW else _SEARCH_EXPANSION
        self._graph.expansion_search = expansion  # type: ignore[misc]  # its setter stands apart from it, which mypy does not see
        found = self._graph.search(vector, wanted, exact=len(self._number_of) < _EXACT_BELOW or wanted > _GRAPH_MOST)
        # Equal ones in no order that the graph's past decides. Sorted as they are, without a key, in a fifth of the time.
        nearest = sorted(zip(found.distances.tolist(), map(self._chunk_of.__getitem__, found.keys.tolist()), strict=True))
        return hits_of([chunk_id for _, chunk_id in nearest], [1.0 - distance for distance, _ in nearest])

    def save(self, file: Path) -> None:
        """The graph, and beside it which chunk each number stands for."""
        saved = count(1)

        def give_way(done: int, of: int) -> bool:
            if next(saved) % _YIELD == 0:
                time.sleep(0)  # usearch saves with the interpreter lock held
            return True

        # usearch looks at the annotations themselves, which this file keeps as text.
        give_way.__annotations__ = {"done": int, "of": int, "return": bool}
        self._graph.save(file, progress=give_way)
        file.with_suffix(".chunks").write_bytes(orjson.dumps(self._chunk_of))

    def load(self, file: Path) -> None:
        self._graph.load(file)
        self._chunk_of = orjson.loads(file.with_suffix(".chunks").read_bytes())
        self._number_of = {chunk_id: number for number, chunk_id in enumerate(self._chunk_of) if chunk_id}

    def search_within(self, vector: Vectors, k: int, within: Collection[str]) -> list[Hit]:
        """Of a small set each vector is compared, since the way through the graph would mostly meet others.

        Of a large one more hits are asked for than are wanted; those of the set among them are its best, unless they are too few.
        """
        wanted = k + 3 * k * len(self._number_of) // (2 * max(1, len(within)))
        if len(within) > _EACH_BELOW and wanted < len(self._number_of):
            hits = [hit for hit in self.search(vector, wanted) if hit.chunk_id in within][:k]
            if len(hits) == k:
                return hits
        chunk_ids = sorted(chunk_id for chunk_id in within if chunk_id in self._number_of)
        scores = self.fetch(chunk_ids) @ vector
        return [Hit(chunk_ids[place], float(scores[place])) for place in np.argsort(-scores, kind="stable")[:k]]
