"""Keyword index by tantivy (BM25), in memory: one index a tenant.

One index each, and not one for all with a filter, because then one tenant's words would move another's scores. An index at rest costs
little; an open writer costs 2.4 MiB and 6 threads, so one is opened for a batch and closed by `commit` (12 ms in all for one chunk), but where
more is to come: to close it is to wait until segments are merged, and while documents pour in commits took half of the index's time. A few
are open at the most, whatever comes: for another the one that was written to longest ago is closed, so some of a batch is found before its commit.
Adding takes 75 microseconds a chunk of 230 words, in its thread. A search over 10,000 takes 0.3 ms and runs where it is called; over 100,000
it takes 1 ms and runs in a thread, beside the search for vectors: tantivy lets go of the interpreter lock, usearch holds it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import cast

from tantivy import DocAddress, Document, Index, IndexWriter, Occur, Query, Schema, SchemaBuilder, Searcher

from connectors.keyword_index.base import ALSO_WEIGHT, Entry
from connectors.keyword_index.terms import Analyser, analyser, spelled_out
from connectors.vector_index.base import Hit, hits_of
from schemas.errors import IndexUnavailable

_HEAP_BYTES = 15_000_000  # tantivy's least; a larger one was no faster
_WRITERS = 4  # open at a time: of 20 tenants whose chunks come in runs of 40, more make nothing faster
_SLICE = 256  # chunks that are added in one go of the thread
_ANALYSER = "roxy"
# No boosts: title and headings are short, so BM25 counts a word there for more already. On Cranfield nDCG@10 is 0.532 without, 0.520 with
# title 1.5 and headings 1.25, 0.489 with 3 and 2; on the sample questions 33, 33 and 30 of 40 have their page among the first 5.
_FIELDS = ("title", "headings", "text")
_SPARE = 32  # hits beyond the last that is wanted: equal ones at the end seldom are more, and another search costs more
_MOST_EQUAL = 8  # times k: of still more that score the same, which ones are found is left to tantivy
_BESIDE_FROM = 30_000  # chunks: to hand a search over takes 0.1 ms
_SEARCHES = 4  # at a time in threads
_BEGUN_S = 0.001  # to wait for a thread at most
_MOST_TERMS = 64  # of a question, its rarest: a pasted page of 1,300 terms would take 50 ms


class TantivyIndex:
    """See connectors/keyword_index/base.py."""

    name = "tantivy"
    shared = False

    def __init__(self) -> None:
        self._tenants: defaultdict[str, _TenantIndex] = defaultdict(_TenantIndex)
        self._searches = ThreadPoolExecutor(_SEARCHES, "keyword-search")

    async def upsert(self, tenant: str, entries: Sequence[Entry]) -> None:
        index = self._tenants[tenant]
        for start in range(0, len(entries), _SLICE):
            await self._write(index, partial(index.upsert, entries[start : start + _SLICE]))

    async def remove(self, tenant: str, chunk_ids: Sequence[str]) -> None:
        if tenant in self._tenants and chunk_ids:
            index = self._tenants[tenant]
            await self._write(index, partial(index.remove, chunk_ids))

    async def commit(self, *, more: bool = False) -> None:
        await self._close_all_but(_WRITERS if more else 0)
        for index in self._open():
            await index.write(index.commit)

    async def renew(self, tenant: str, entries: Sequence[Entry]) -> None:
        """Its statistics count a removed chunk until the segment is merged that held it."""
        fresh = _TenantIndex()
        for start in range(0, len(entries), _SLICE):
            await fresh.write(partial(fresh.upsert, entries[start : start + _SLICE]))
        await fresh.write(fresh.close)
        self._tenants[tenant] = fresh

    async def search(self, tenant: str, question: str, k: int, *, also: str = "", within: Collection[str] | None = None) -> list[Hit]:
        if tenant not in self._tenants:
            return []
        look_up = self._tenants[tenant].search(question, k, also, within)
        return await self._beside(look_up) if self._tenants[tenant].size >= _BESIDE_FROM else look_up()

    async def rarity(self, tenant: str, terms: Collection[str]) -> Mapping[str, int]:
        return self._tenants[tenant].rarity(terms) if tenant in self._tenants else {}

    async def _write(self, index: _TenantIndex, work: Callable[[], None]) -> None:
        if not index.is_open:
            await self._close_all_but(_WRITERS - 1)
        await index.write(work)

    async def _close_all_but(self, kept: int) -> None:
        """The writers that were written to last stay open."""
        for index in self._open()[kept:]:
            await index.write(index.close)

    def _open(self) -> list[_TenantIndex]:
        """Those with a writer, the one written to last first."""
        return sorted((index for index in self._tenants.values() if index.is_open), key=lambda index: -index.written_at)

    async def _beside(self, look_up: Callable[[], list[Hit]]) -> list[Hit]:
        """In a thread, which is waited for until it has begun: it would else not get the interpreter lock before what comes next lets go of it."""
        begun = Event()

        def work() -> list[Hit]:
            begun.set()
            return look_up()

        hits = asyncio.get_running_loop().run_in_executor(self._searches, work)
        begun.wait(_BEGUN_S)
        return await hits


class _TenantIndex:
    """One tenant's index. Writes come one after the other, each in a thread; a search sees the last commit."""

    def __init__(self) -> None:
        self._index = Index(_schema())
        self._index.register_tokenizer(_ANALYSER, analyser())
        self._analyser = Analyser()
        # By number, which tantivy holds in a column: to read 200 stored ids takes as long as to find them. A chunk gets a new number with every
        # upsert, and never an old one again; the place of an old one stays until the tenant is renewed: 8 bytes, as all of a chunk's are one string.
        self._chunk_ids: list[str] = []
        self._first_ids: dict[str, str] = {}  # of each that ever came: the string that stands for it, and whether there may be one to replace
        self._searcher: Searcher = self._index.searcher()
        self._writer: IndexWriter | None = None
        self._written = False  # since the last commit
        self.written_at = 0.0
        self._writing = asyncio.Lock()

    async def write(self, work: Callable[[], None]) -> None:
        async with self._writing:
            await asyncio.to_thread(work)

    def upsert(self, entries: Sequence[Entry]) -> None:
        writer = self._open_writer()
        for entry in entries:
            if entry.chunk_id in self._first_ids:  # each that is taken away is looked for in all segments
                writer.delete_documents_by_term("chunk_id", entry.chunk_id)
            self._chunk_ids.append(self._first_ids.setdefault(entry.chunk_id, entry.chunk_id))
            fields = entry._replace(text=spelled_out(entry.text))._asdict()
            writer.add_document(Document(number=len(self._chunk_ids) - 1, **fields))

    def remove(self, chunk_ids: Sequence[str]) -> None:
        writer = self._open_writer()
        for chunk_id in chunk_ids:
            writer.delete_documents_by_term("chunk_id", chunk_id)

    def commit(self) -> None:
        """The writer goes on."""
        if self._writer is None or not self._written:
            return
        self._written = False
        with self._letting_go():
            self._writer.commit()
            self._reload()

    def close(self) -> None:
        """Commit, and let go of the writer."""
        self.commit()
        writer, self._writer = self._writer, None
        if writer is not None:
            with self._letting_go():
                writer.wait_merging_threads()
                self._reload()

    @property
    def is_open(self) -> bool:
        return self._writer is not None

    @property
    def size(self) -> int:
        return self._searcher.num_docs

    def search(self, question: str, k: int, also: str, within: Collection[str] | None) -> Callable[[], list[Hit]]:
        """What looks it up, in any thread."""
        searcher = self._searcher
        terms = self._terms(searcher, question)
        more = [term for term in self._terms(searcher, also) if term not in terms] if also else []
        query = _query(self._index, terms, more)
        return partial(self._hits, searcher, query, k) if within is None else partial(self._within, searcher, query, k, within)

    def rarity(self, terms: Collection[str]) -> dict[str, int]:
        """The most of any field, which is nearly always the text's: 0.4 microseconds each."""
        return {term: max(self._searcher.doc_freq(field, term) for field in _FIELDS) for term in terms}

    def _within(self, searcher: Searcher, query: Query, k: int, within: Collection[str]) -> list[Hit]:
        """A filter costs by the number of chunks that it names. Of a large set more hits are asked for than are wanted, and the filter is kept for
        when those of them that are admitted are too few."""
        wanted = k + 3 * k * searcher.num_docs // (2 * max(1, len(within)))
        if wanted < len(within):
            hits = self._hits(searcher, query, wanted)
            admitted = [hit for hit in hits if hit.chunk_id in within][:k]
            if len(admitted) == k or len(hits) < wanted:
                return admitted
        return self._hits(searcher, Query.boolean_query([(Occur.Must, query), (Occur.Must, _only(self._index, within))]), k)

    def _hits(self, searcher: Searcher, query: Query, k: int) -> list[Hit]:
        """The best k; equal ones in order of their ids."""
        best = _best(searcher, query, k)
        if not best:
            return []
        numbers = cast(list[int], searcher.fast_field_values("number", [address for _, address in best]))
        # Sorted as they are, without a key: half of the time was that.
        falling = sorted(zip([-score for score, _ in best], map(self._chunk_ids.__getitem__, numbers), strict=True))
        return hits_of([chunk_id for _, chunk_id in falling[:k]], [-score for score, _ in falling])

    def _terms(self, searcher: Searcher, question: str) -> list[str]:
        """The question's different terms; of very many, the rarest that occur at all."""
        terms = self._analyser.question_terms(question)
        if len(terms) <= _MOST_TERMS:
            return terms
        counts = {term: searcher.doc_freq("text", term) for term in terms}
        return sorted((term for term in terms if counts[term]), key=lambda term: counts[term])[:_MOST_TERMS]

    def _open_writer(self) -> IndexWriter:
        if self._writer is None:
            with self._letting_go():
                self._writer = self._index.writer(_HEAP_BYTES, 1)
        self._written, self.written_at = True, time.monotonic()
        return self._writer

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        """A writer that fails takes nothing any more, or was never there, for want of threads. Raises IndexUnavailable, for no record is to blame:
        what was not committed has to come again."""
        try:
            yield
        except BaseException as error:
            self._writer = None
            raise IndexUnavailable(f"Words could not be written: {error}.", remedy="Look whether the machine has threads and memory left.") from error

    def _reload(self) -> None:
        self._index.reload()
        self._searcher = self._index.searcher()


def _schema() -> Schema:
    builder = SchemaBuilder().add_text_field("chunk_id", tokenizer_name="raw", index_option="basic").add_integer_field("number", fast=True)
    for field in _FIELDS:
        builder = builder.add_text_field(field, tokenizer_name=_ANALYSER, index_option="freq")
    return builder.build()


def _best(searcher: Searcher, query: Query, k: int) -> list[tuple[float, DocAddress]]:
    """The best k, and those that score as the last of them: tantivy would choose among them by their place, which the index's past decides."""
    wanted = k + _SPARE
    while k > 0:
        hits: list[tuple[float, DocAddress]] = searcher.search(query, limit=wanted, count=False).hits
        if len(hits) < wanted or hits[k - 1][0] != hits[-1][0] or wanted >= _MOST_EQUAL * k:
            return hits
        wanted *= 2
    return []


def _query(index: Index, terms: Sequence[str], also: Sequence[str]) -> Query:
    """Any of the terms in any of the fields. Built from terms, so that no sign in a question is syntax."""

    def part(field: str, term: str) -> Query:
        return Query.term_query(index.schema, field, term, "freq")

    parts = [(Occur.Should, part(field, term)) for term in terms for field in _FIELDS]
    parts += [(Occur.Should, Query.boost_query(part(field, term), ALSO_WEIGHT)) for term in also for field in _FIELDS]
    return Query.boolean_query(parts) if parts else Query.empty_query()


def _only(index: Index, chunk_ids: Collection[str]) -> Query:
    """These chunks; it adds nothing to a score."""
    return Query.const_score_query(Query.term_set_query(index.schema, "chunk_id", list(chunk_ids)), 0.0)
