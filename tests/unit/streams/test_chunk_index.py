"""The chunk index: a projection of `chunks` that can be searched while it catches up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from connectors.embedder.base import Vectors
from connectors.embedder.vectors import vector_to_text
from connectors.journal.memory import MemoryFollower, MemoryJournal
from connectors.keyword_index import open_keyword_index
from connectors.keyword_index.tantivy import TantivyIndex
from connectors.vector_index import open_vector_index
from connectors.vector_index.usearch import UsearchIndex
from schemas.codec import encode
from schemas.errors import IndexUnavailable
from schemas.record import Record
from schemas.topics import CHUNKS, Topic
from streams.chunk_index import ChunkIndex, follow
from streams.retrieval import retrieve
from streams.search.search import Lookup, search
from tests.builders import CONTEXT, a_query, understood
from tests.unit.streams.corpus import PLAN, Corpus, WordEmbedder, a_deletion, a_document

LAG = "# Lag\n\nThe distance between the end of a partition and a group is its lag."
CATS = "# Cats\n\nCats sleep on warm radiators most of the day in winter."


async def found(index: ChunkIndex, question: str, tenant: str = "default") -> list[str]:
    result = await search(Lookup(tenant, question), None, index=index, plan=PLAN)
    return [chunk.chunk_id for chunk in result.chunks]


async def a_corpus() -> Corpus:
    corpus = Corpus(WordEmbedder())
    await corpus.take(a_document(LAG))
    await corpus.take(a_document(CATS, document_id="cats"))
    return corpus


async def test_what_was_applied_is_found_with_its_text_and_place() -> None:
    """Rank, ids, title, source, place and scores of both sides."""
    corpus = await a_corpus()
    result = await retrieve(*understood(a_query(text="cats sleep")), embedder=corpus.embedder, index=corpus.index, plan=PLAN)
    best = result.chunks[0]

    assert (best.rank, best.chunk_id, best.title, best.source, CATS[best.start : best.end]) == (1, "default/cats#0", "Cats", "cats.md", best.text)
    assert best.scores.vector is not None
    assert best.scores.keyword is not None
    assert [chunk.rank for chunk in result.chunks] == [1, 2]


async def test_the_position_says_what_is_applied() -> None:
    """The next offset by partition, and which index it is."""
    corpus = await a_corpus()
    position = corpus.index.position

    assert (position.index, position.offsets) == ("words/usearch/tantivy", {"0": 2})


async def test_applying_twice_changes_nothing() -> None:
    """A follower that goes back applies records again."""
    corpus = await a_corpus()
    await corpus.index.apply(corpus.records)

    assert corpus.index.size == 2
    assert await found(corpus.index, "lag cats") == await found(corpus.index, "lag cats")
    assert corpus.index.position.offsets == {"0": 2}


async def test_a_new_index_from_the_same_records_answers_the_same() -> None:
    """It is a projection: the log is the truth."""
    corpus = await a_corpus()
    await corpus.take(a_document(LAG.replace("distance", "gap")))
    await corpus.take(a_deletion("cats"))
    rebuilt = corpus.fresh_index()
    await rebuilt.apply(corpus.records)

    assert rebuilt.chunks_of("default", "lag") == corpus.index.chunks_of("default", "lag")
    assert (rebuilt.size, await found(rebuilt, "gap cats")) == (1, ["default/lag#0"])


async def test_tenants_with_the_same_document_id_stay_apart() -> None:
    """Neither sees the other's chunk, nor takes it away."""
    corpus = await a_corpus()
    await corpus.take(a_document("# Other\n\nAnother text about the lag of this tenant.", tenant="acme"))
    await corpus.take(a_deletion(tenant="acme"))

    assert await found(corpus.index, "lag") == ["default/lag#0"]
    assert await found(corpus.index, "lag", "acme") == []


async def test_vectors_of_another_embedder_are_not_used() -> None:
    """Such chunks are counted, and found by keywords."""
    corpus = await a_corpus()
    fresh = Corpus(WordEmbedder("other")).index
    await fresh.apply(corpus.records)

    assert (fresh.foreign_vectors, corpus.index.foreign_vectors) == (2, 0)
    assert await found(fresh, "cats") == ["default/cats#0"]
    assert await fresh.vectors_of("default", ["default/cats#0"]) is None


async def test_an_unreadable_record_is_passed_over_and_counted() -> None:
    """The records behind it are applied, and the position moves on."""
    corpus = await a_corpus()
    bad = [Record("chunks", 0, 2, b"k", b"{", ()), Record("chunks", 0, 3, b"\xff", None, ()), Record("chunks", 0, 4, b"k", b'{"type": "X"}', ())]
    await corpus.index.apply(bad)

    assert (corpus.index.unreadable, corpus.index.size, corpus.index.position.offsets) == (3, 2, {"0": 5})


@pytest.mark.parametrize("dims", [64, None], ids=["dims known", "found out by the index"])
@pytest.mark.parametrize("row", [np.ones(3, np.float32), np.ones(65, np.float32)], ids=["short", "long"])
async def test_a_vector_of_a_wrong_length_is_passed_over_and_counted(dims: int | None, row: Vectors) -> None:
    """A producer's mistake: the records around it, in the same batch, are applied, and it is not known as indexed."""
    corpus = await a_corpus()
    good, bad = [(await corpus.ingest(a_document(LAG, document_id=name))).chunks[0] for name in ("good", "bad")]
    index = ChunkIndex(vectors=open_vector_index("usearch", 64), keywords=open_keyword_index("tantivy"), embedder_name="words", dims=dims)
    drafts = [encode(chunk, CONTEXT) for chunk in (bad.model_copy(update={"vector": vector_to_text(row)}), good)]
    await index.apply([*corpus.records, *(Record("chunks", 0, 2 + place, *draft) for place, draft in enumerate(drafts))])

    assert (index.unreadable, index.size, index.position.offsets) == (1, 3, {"0": 4})
    assert index.chunks_of("default", "bad") == {}
    assert await index.vectors_of("default", ["default/good#0", "default/cats#0"]) is not None


@pytest.mark.parametrize("vector", ["no base64!", "AAA=", vector_to_text(np.full(64, np.nan, np.float32))], ids=["text", "half a number", "NaN"])
async def test_a_vector_that_cannot_be_decoded_is_passed_over_and_counted(vector: str) -> None:
    """As any record that cannot be read."""
    corpus = await a_corpus()
    chunk = (await corpus.ingest(a_document(LAG, document_id="bad"))).chunks[0]
    await corpus.write([chunk.model_copy(update={"vector": vector})])

    assert (corpus.index.unreadable, corpus.index.size, corpus.index.position.offsets) == (1, 2, {"0": 3})


@pytest.mark.parametrize(("row", "unreadable"), [(np.ones(64, np.float32), 0), (np.ones(3, np.float32), 1)], ids=["readable", "unreadable as well"])
async def test_no_record_is_passed_over_because_an_index_cannot_be_written(row: Vectors, unreadable: int) -> None:
    """What failed is the index: that is told, the position stays, and the record that comes again is found, unless it cannot be read itself."""
    corpus, words = await a_corpus(), TantivyIndex()
    index = ChunkIndex(vectors=open_vector_index("usearch", 64), keywords=words, embedder_name="words")
    await index.apply(corpus.records)
    tides = (
        (await corpus.ingest(a_document("# Tides\n\nThe sea rises twice a day.", document_id="tides")))
        .chunks[0]
        .model_copy(update={"vector": vector_to_text(row)})
    )
    record = Record("chunks", 0, 2, *encode(tides, CONTEXT))
    held = words._tenants["default"]._index.writer(15_000_000, 1)
    with pytest.raises(IndexUnavailable):
        await index.apply([record], more=True)
    passed_over, stands = index.unreadable, index.positions
    del held
    await index.apply([record], more=True)

    assert (0, {0: 2}) == (passed_over, stands)
    assert (unreadable, 3 - unreadable, {0: 3}) == (index.unreadable, index.size, index.positions)
    assert ("default/tides#0" in await found(index, "sea tides")) is not bool(unreadable)


class AwayOnce(MemoryJournal):
    """Raises what nobody expects, the first time that it is followed."""

    failures = 0

    def follow(self, topic: Topic, start: Mapping[int, int] | None = None) -> AbstractAsyncContextManager[MemoryFollower]:
        if not self.failures:
            self.failures += 1
            raise RuntimeError("unexpected")
        return super().follow(topic, start)


async def test_an_unexpected_error_does_not_end_the_following(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the topic is followed again from where the index stands."""
    monkeypatch.setattr("streams.chunk_index._RETRY_S", 0.01)
    corpus = Corpus(WordEmbedder())
    chunks = (await corpus.ingest(a_document(LAG))).chunks
    async with AwayOnce() as journal:
        await journal.append_all(chunks, CONTEXT)
        following = asyncio.create_task(follow(journal, corpus.index))
        await asyncio.wait_for(corpus.index.wait_for({0: len(chunks)}), 10)
        following.cancel()

    assert (journal.failures, corpus.index.size) == (1, len(chunks))


class Watched(UsearchIndex):
    """Notes, of each time that it takes vectors, how many, and whether somebody may be searching."""

    def __init__(self) -> None:
        super().__init__(WordEmbedder().dims)
        self.taken = list[tuple[int, bool]]()

    async def upsert(self, tenant: str, chunk_ids: Sequence[str], vectors: Vectors, *, alone: bool = False) -> None:
        self.taken.append((len(chunk_ids), alone))
        await super().upsert(tenant, chunk_ids, vectors, alone=alone)


@pytest.mark.parametrize(("starting", "taken"), [(True, [(300, True), (1, False)]), (False, [(256, False), (44, False), (1, False)])])
async def test_a_worker_that_starts_takes_all_cores_for_what_is_there(starting: bool, taken: list[tuple[int, bool]]) -> None:
    """In large pieces. Not for what comes later, and not if it works already."""
    corpus, vectors = Corpus(WordEmbedder()), Watched()
    index = ChunkIndex(vectors=vectors, keywords=None, embedder_name="words")
    first = [chunk for number in range(300) for chunk in (await corpus.ingest(a_document(LAG, document_id=f"d{number}"))).chunks]
    later = (await corpus.ingest(a_document(CATS, document_id="cats"))).chunks
    async with MemoryJournal() as journal:
        await journal.append_all(first, CONTEXT)
        following = asyncio.create_task(follow(journal, index, starting=starting))
        await asyncio.wait_for(index.wait_for({0: len(first)}), 30)
        await journal.append_all(later, CONTEXT)
        await asyncio.wait_for(index.wait_for({0: len(first) + len(later)}), 30)
        following.cancel()

    assert taken == vectors.taken


async def test_wait_for_returns_when_the_offsets_are_applied() -> None:
    """Not before."""
    corpus = await a_corpus()
    waiting = asyncio.create_task(corpus.index.wait_for({0: 3}))
    await asyncio.sleep(0.01)
    before = waiting.done()
    await corpus.take(a_document(LAG, document_id="third"))
    await asyncio.wait_for(waiting, 5)

    assert not before


async def test_a_search_is_answered_while_the_index_catches_up() -> None:
    """A long catch-up is done in slices, between which questions are answered."""
    corpus = await a_corpus()
    many = [chunk for number in range(600) for chunk in (await corpus.ingest(a_document(LAG, document_id=f"d{number}"))).chunks]
    catching_up = asyncio.create_task(corpus.write(many))
    await asyncio.sleep(0)
    during = await found(corpus.index, "cats")
    answered_first = not catching_up.done()
    await catching_up

    assert (answered_first, during, corpus.index.size) == (True, ["default/cats#0"], 602)


async def test_follow_applies_what_is_written_and_ingestion_waits_for_it() -> None:
    """Two versions right after each other: the second takes away what only the first had."""
    corpus = Corpus(WordEmbedder())
    long = "# Lag\n\n" + "\n\n".join(f"## Part {number}\n\nThe lag of part {number} is one of the things that are said here." for number in range(8))
    async with MemoryJournal() as journal:
        following = asyncio.create_task(follow(journal, corpus.index))
        await asyncio.sleep(0)
        first = await corpus.ingest(a_document(long))
        await journal.append_all(first.chunks, CONTEXT)
        second = await corpus.ingest(a_document(LAG))
        following.cancel()

    assert len(second.gone) == len(first.chunks) - 1 > 0
    assert corpus.index.position.offsets == {"0": len(first.chunks)}
    assert corpus.index.topic is CHUNKS


async def test_a_part_that_is_away_degrades_the_search() -> None:
    """The other part answers, and the event says so."""
    corpus = await a_corpus()
    embedder = corpus.embedder
    assert isinstance(embedder, WordEmbedder)
    embedder.fails = True
    result = await retrieve(*understood(a_query(text="cats")), embedder=embedder, index=corpus.index, plan=PLAN)

    assert (result.degraded, [chunk.chunk_id for chunk in result.chunks]) == (("vector",), ["default/cats#0"])


async def test_with_no_other_part_its_error_is_raised() -> None:
    """Nothing found for lack of a model is no answer: the step tries again."""
    corpus = Corpus(WordEmbedder(), keywords=False)
    embedder = corpus.embedder
    assert isinstance(embedder, WordEmbedder)
    embedder.fails = True

    with pytest.raises(IndexUnavailable):
        await retrieve(*understood(a_query(text="cats")), embedder=embedder, index=corpus.index, plan=PLAN)
