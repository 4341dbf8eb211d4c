"""Keyword index by rank_bm25, in pure Python and numpy: the reference that other backends' ranking is tested against, and for small corpora.

It reads the same terms as tantivy and adds the fields' scores as tantivy does, with Lucene's idf, ln(1 + (N - n + ½) / (n + ½)), in place of
Okapi's, which gives a word nothing that is in half of the chunks, and less than nothing beyond. What is left of a difference: tantivy rounds
lengths over 40 terms to steps of an eighth and less, and counts replaced chunks until their segment is merged.
Every search reads every chunk (76 ms at 20,000), and the first after a commit counts all words anew.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from rank_bm25 import BM25Okapi

from connectors.keyword_index.base import ALSO_WEIGHT, Entry
from connectors.keyword_index.terms import Analyser
from connectors.vector_index.base import Hit

_K1, _B = 1.2, 0.75  # tantivy's
_FIELDS = ("title", "headings", "text")
_SLICE = 64  # chunks that are analysed in one go of the thread


class RankBm25Index:
    """See connectors/keyword_index/base.py."""

    name = "rank_bm25"
    shared = False

    def __init__(self) -> None:
        self._tenants: defaultdict[str, _TenantIndex] = defaultdict(_TenantIndex)

    async def upsert(self, tenant: str, entries: Sequence[Entry]) -> None:
        index = self._tenants[tenant]
        for start in range(0, len(entries), _SLICE):
            await asyncio.to_thread(index.upsert, entries[start : start + _SLICE])

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        if tenant in self._tenants:
            self._tenants[tenant].remove(chunk_ids)

    async def commit(self, *, more: bool = False) -> None:
        for index in self._tenants.values():
            index.commit()

    async def search(self, tenant: str, question: str, k: int, *, also: str = "", within: Collection[str] | None = None) -> list[Hit]:
        return self._tenants[tenant].search(question, k, also, within) if tenant in self._tenants else []

    async def rarity(self, tenant: str, terms: Collection[str]) -> Mapping[str, int]:
        return self._tenants[tenant].rarity(terms) if tenant in self._tenants else {}


class _TenantIndex:
    """One tenant's chunks: what was written, and the last commit of it, which searches see."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[list[str], ...]] = {}
        self._committed: dict[str, tuple[list[str], ...]] = {}
        self._counted: _Counted | None = None
        self._analyser = Analyser()

    def upsert(self, entries: Sequence[Entry]) -> None:
        analyser = Analyser()
        self._written |= {entry.chunk_id: tuple(analyser.terms(getattr(entry, field)) for field in _FIELDS) for entry in entries}

    def remove(self, chunk_ids: Sequence[str]) -> None:
        for chunk_id in chunk_ids:
            self._written.pop(chunk_id, None)

    def commit(self) -> None:
        if self._written != self._committed:
            self._committed, self._counted = dict(self._written), None

    def search(self, question: str, k: int, also: str, within: Collection[str] | None) -> list[Hit]:
        counted = self._count()
        terms = self._analyser.question_terms(question)
        scores = counted.scores(terms)
        if also:
            scores = scores + ALSO_WEIGHT * counted.scores([term for term in self._analyser.question_terms(also) if term not in terms])
        found = [Hit(counted.chunk_ids[place], float(scores[place])) for place in np.flatnonzero(scores)]
        admitted = found if within is None else [hit for hit in found if hit.chunk_id in within]
        return sorted(admitted, key=lambda hit: (-hit.score, hit.chunk_id))[: max(k, 0)]

    def rarity(self, terms: Collection[str]) -> dict[str, int]:
        counted = self._count()
        return {term: counted.chunks_with(term) for term in terms}

    def _count(self) -> _Counted:
        if self._counted is None:
            self._counted = _Counted(self._committed)
        return self._counted


class _Counted:
    """The words of a commit, counted."""

    def __init__(self, chunks: Mapping[str, tuple[list[str], ...]]) -> None:
        self.chunk_ids = list(chunks)
        columns = [[terms[number] for terms in chunks.values()] for number in range(len(_FIELDS))]
        self._fields = [_Bm25(column, k1=_K1, b=_B) for column in columns if any(column)]  # rank_bm25 divides by the mean length

    def scores(self, terms: Sequence[str]) -> Any:
        """Of each chunk."""
        return sum((field.get_scores(terms) for field in self._fields), start=np.zeros(len(self.chunk_ids)))

    def chunks_with(self, term: str) -> int:
        return max((field.found_in.get(term, 0) for field in self._fields), default=0)


class _Bm25(BM25Okapi):  # type: ignore[misc]
    """rank_bm25 with Lucene's idf."""

    def _calc_idf(self, nd: Mapping[str, int]) -> None:
        self.found_in = nd
        self.idf = {term: math.log(1 + (self.corpus_size - count + 0.5) / (count + 0.5)) for term, count in nd.items()}
