"""Vocabulary: what is known of words when a question is understood: the files of terms, and the tenant's index.

An index that does not answer knows nothing: its search will say so, and a question is understood without it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from connectors.keyword_index.terms import Analyser
from schemas.errors import Unavailable
from streams.chunk_index import ChunkIndex
from streams.search.guard import Guard, Guards
from streams.understanding.definitions import long_form
from streams.understanding.spelling import spelt_nearly
from streams.understanding.terms import Terms

_READ_CHUNKS = 20  # best ones for an acronym, among which its definition is looked for
_LEAST_CHUNKS = 2  # that have a word, for it to be one: a slip of the pen is in one


@dataclass(frozen=True)
class Vocabulary:
    """See the module."""

    index: ChunkIndex
    terms: Terms
    guard: Guard = field(default_factory=lambda: Guards().keyword)
    by: float | None = None  #: the loop's time by which it must have been asked

    @property
    def analyser(self) -> Analyser:
        return self.terms.analyser

    async def rarity(self, tenant: str, terms: Collection[str]) -> Mapping[str, int]:
        """In how many of the tenant's chunks each term is; empty if that is not known."""
        try:
            return await self.guard.run(lambda: self.index.rarity(tenant, terms), by=self.by)
        except Unavailable:
            return {}

    async def defined(self, tenant: str, acronym: str) -> str | None:
        """What the tenant's documents say that it stands for."""
        try:
            hits = await self.guard.run(lambda: self.index.sharing(tenant, acronym, _READ_CHUNKS), by=self.by)
        except Unavailable:
            return None
        chunks = (self.index.chunk(tenant, hit.chunk_id) for hit in hits)
        return long_form(acronym, (chunk.text for chunk in chunks if chunk))

    async def nearest(self, tenant: str, word: str) -> str | None:
        """The index's most frequent word that is one slip away from one that it does not have."""
        near = spelt_nearly(word)
        counts = await self.rarity(tenant, set(self.analyser.terms(" ".join(near))))
        best = max(counts, key=lambda term: (counts[term], term), default=None)
        if best is None or counts[best] < _LEAST_CHUNKS:
            return None
        return next(each for each in near if best in self.analyser.terms(each))
