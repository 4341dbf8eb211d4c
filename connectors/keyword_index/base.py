"""Keyword index: the chunks that share words with a question, by BM25. A tenant never sees another's.

Guarantees (tests/contract/test_keyword_index.py): what was upserted is found, once `commit` has returned, until it is removed; an upsert under
a known id replaces; best first; no text of a question is an error, whatever signs it holds; one tenant's chunks do not
move another's scores; a search answers while a long upsert runs; what is `also` asked for finds chunks too, but counts for less.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from connectors.vector_index.base import Hit

#: What a word that a question does not hold itself counts for, beside one of its own: what an acronym stands for, a word spelt nearly so.
ALSO_WEIGHT = 0.3


class Entry(NamedTuple):
    """A chunk as the keyword index takes it."""

    chunk_id: str
    title: str
    headings: str
    text: str


class KeywordIndex(Protocol):
    """Chunks by BM25. `name` is part of the index's identity in ChunksRetrieved, `shared` as in connectors/vector_index/base.py."""

    name: str
    shared: bool

    async def upsert(self, tenant: str, entries: Sequence[Entry]) -> None:
        """Add or replace; found once `commit` has returned. Raises IndexUnavailable: what came since the last commit has to come again."""
        ...

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        """Unknown ids are passed over."""
        ...

    async def commit(self, *, more: bool = False) -> None:
        """Make what was upserted and removed visible to searches. `more` is to come soon: what writing takes may be kept until a commit without.
        Raises IndexUnavailable as `upsert` does."""
        ...

    async def search(self, tenant: str, question: str, k: int, *, also: str = "", within: Collection[str] | None = None) -> list[Hit]:
        """At most k chunks that share words with the question, best first. `also`: words that count ALSO_WEIGHT; `within`: only these
        chunks may be found."""
        ...

    async def rarity(self, tenant: str, terms: Collection[str]) -> Mapping[str, int]:
        """In how many chunks each term is, by the analyser of terms.py: 0 for one that is in none. Empty if the backend cannot tell."""
        ...


@runtime_checkable
class Renewed(Protocol):
    """A keyword index whose scores go on counting what was removed, until it is made anew."""

    async def renew(self, tenant: str, entries: Sequence[Entry]) -> None:
        """Let these be all that the tenant has. Searches are answered by the old index until the new one is whole."""
        ...
