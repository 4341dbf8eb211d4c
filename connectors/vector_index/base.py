"""Vector index: the nearest chunks to a vector. A tenant never sees another's.

Guarantees (tests/contract/test_vector_index.py): what was upserted is found until it is removed; an upsert under a known id replaces;
scores are cosine similarities, best first; at most k hits, fewer only if the tenant has fewer chunks;
a search answers while a long upsert runs.
In an index that lies in this process, hits of the same score come in order of their ids. It can be saved and loaded (`Saved`):
what is loaded answers as what was saved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from connectors.embedder.base import Vectors


class Hit(NamedTuple):
    """A chunk that an index found."""

    chunk_id: str
    score: float


def hits_of(chunk_ids: Iterable[str], scores: Iterable[float]) -> list[Hit]:
    """Hits of two columns, as far as both go: made by what `Hit` itself is made by, in half of the time."""
    return list(map(_hit, zip(chunk_ids, scores, strict=False)))


_hit: Callable[[tuple[str, float]], Hit] = partial(tuple.__new__, Hit)


class VectorIndex(Protocol):
    """Nearest chunks by cosine. `name` is part of the index's identity in ChunksRetrieved.

    `shared`: it lies on a server for all workers, and is written by connectors/shared_index; else each worker writes its own.
    """

    name: str
    shared: bool

    async def upsert(self, tenant: str, chunk_ids: Sequence[str], vectors: Vectors, *, alone: bool = False) -> None:
        """Add or replace; `vectors` has shape (chunk_ids, dims) and rows of length 1.

        `alone`: nobody searches meanwhile, so all cores may be taken, and the process held up.
        """
        ...

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        """Unknown ids are passed over."""
        ...

    async def fetch(self, tenant: str, chunk_ids: Sequence[str]) -> Vectors:
        """The vectors of known chunks, in order, up to rounding: so that a chunk that only moved is not embedded again. Raises KeyError."""
        ...

    async def search(self, tenant: str, vector: Vectors, k: int, *, within: Collection[str] | None = None) -> list[Hit]:
        """The k nearest, best first. `vector` has shape (dims,); `within`: only these chunks may be found."""
        ...


@runtime_checkable
class Saved(Protocol):
    """A vector index that lies in this process: it can be put into files. One on a server has no need to."""

    saved_as: str  #: what its files are: those of another version may not load

    async def save(self, folder: Path) -> None:
        """Write it into a folder. Nothing may be upserted or removed meanwhile; searches are answered."""
        ...

    async def load(self, folder: Path) -> None:
        """Take in what was saved there, into an index that is empty."""
        ...
