"""Shared index: one index on a server that every worker searches, written from `chunks` once for all of them.

Both parts, vectors and keywords, lie in it; open_vector_index and open_keyword_index give the views that search asks.
A generation is one build of it from the log; the serving one is what is searched. Guarantees (tests/contract/test_shared_index.py):
- What `apply` was given is found, if its generation serves, when it returns; what the server would not take is raised as IndexRefused.
- Applying twice changes nothing, and a change of an earlier offset than what is there is passed over.
- `serving` makes a first, empty generation if there is none; several at once agree on one.
- A swap takes no search offline; a generation that was swapped away stays until it is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from connectors.embedder.base import Vectors
from connectors.keyword_index.base import Entry


class SharedChange(NamedTuple):
    """What becomes of a chunk by the record of `chunks` at an offset. Without `entry` it goes; without `vector` it is found by keywords only."""

    chunk_id: str
    offset: int
    entry: Entry | None
    vector: Vectors | None


class HybridHit(NamedTuple):
    """A chunk that the server's own hybrid search found. A score is None where that side did not find it."""

    chunk_id: str
    fused: float
    vector: float | None  #: cosine
    keyword: float | None  #: BM25


class SharedIndex(Protocol):
    """A server's index for one embedder. Every method raises IndexUnavailable if the server does not answer in time."""

    name: str

    async def serving(self) -> str:
        """The generation that is searched."""
        ...

    async def generations(self) -> Sequence[str]:
        """All that there are, oldest first."""
        ...

    async def begin(self) -> str:
        """A new, empty generation, which nobody searches yet."""
        ...

    async def apply(self, generation: str, tenant: str, changes: Sequence[SharedChange]) -> None:
        """Write changes, at most one of each chunk. Raises IndexRefused with the ids of those that the server would not take."""
        ...

    async def count(self, generation: str, tenant: str) -> int:
        """How many chunks of the tenant a generation holds."""
        ...

    async def swap(self, generation: str) -> None:
        """Let a generation serve in place of the one that does."""
        ...

    async def drop(self, generation: str) -> None:
        """Delete a generation that does not serve. Raises InvalidInput for the one that does."""
        ...

    async def hybrid(
        self, tenant: str, question: str, vector: Vectors, k: int, keyword_weight: float, within: Collection[str] | None = None
    ) -> list[HybridHit]:
        """At most k chunks by both sides, fused on the server: normalised scores, the keywords' with that weight. Best first."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...
