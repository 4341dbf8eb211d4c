"""Retrieval: a question to ChunksRetrieved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connectors.embedder.base import Vectors
from streams.retrieval import retrieve
from streams.search.guard import Guards
from streams.search.result_cache import ResultCache
from tests.builders import a_query, understood
from tests.unit.streams.corpus import PLAN, Corpus, WordEmbedder, a_document

TEXTS = {"lag": "# Lag\n\nThe distance between the end of a partition and a group is its lag.", "cats": "# Cats\n\nCats sleep on warm radiators."}


async def a_corpus(embedder: WordEmbedder | None) -> Corpus:
    corpus = Corpus(embedder)
    for document_id, text in TEXTS.items():
        await corpus.take(a_document(text, document_id=document_id))
    return corpus


async def test_the_event_names_the_question_and_what_the_index_knew() -> None:
    """Ids follow from the query, so that a redelivered question gives the same fact."""
    corpus = await a_corpus(WordEmbedder())
    found = await retrieve(*understood(a_query(text="a group's lag")), embedder=corpus.embedder, index=corpus.index, plan=PLAN)

    assert (found.id, found.question, found.plan) == ("q1:retrieved", "a group's lag", PLAN.fingerprint)
    assert (found.chunks[0].document_id, found.index, found.degraded) == ("lag", corpus.index.position, ())
    assert found.chunks[0].scores.vector is not None


async def test_a_question_whose_vector_was_kept_says_so() -> None:
    """So that a hit rate can be read from the log."""
    embedder = WordEmbedder()
    corpus = await a_corpus(embedder)
    first = await retrieve(*understood(a_query(text="a group's lag")), embedder=embedder, index=corpus.index, plan=PLAN)
    embedder.kept.add("a group's lag")
    second = await retrieve(*understood(a_query(text="a group's lag")), embedder=embedder, index=corpus.index, plan=PLAN)

    assert ((), ("embedding",)) == (first.cached, second.cached)


async def test_without_an_embedder_keywords_answer() -> None:
    """And that is no degradation: it was set up so."""
    corpus = await a_corpus(None)
    found = await retrieve(*understood(a_query(text="where do cats sleep?")), embedder=None, index=corpus.index, plan=PLAN)

    assert ([chunk.document_id for chunk in found.chunks], found.degraded) == (["cats"], ())
    assert found.chunks[0].scores.vector is None


async def test_at_most_top_k_chunks_come_back() -> None:
    """By setting."""
    corpus = await a_corpus(WordEmbedder())
    plan = PLAN._replace(top_k=1)

    assert len((await retrieve(*understood(a_query(text="lag cats")), embedder=corpus.embedder, index=corpus.index, plan=plan)).chunks) == 1


async def test_an_empty_index_finds_nothing() -> None:
    """Which the language model then says."""
    corpus = Corpus(WordEmbedder())
    found = await retrieve(*understood(a_query()), embedder=corpus.embedder, index=corpus.index, plan=PLAN)

    assert (found.chunks, found.index.offsets) == ((), {})


async def test_the_same_question_again_is_neither_embedded_nor_searched_for() -> None:
    """The event says so; but for that and its time it is the same."""
    corpus, results = await a_corpus(WordEmbedder()), ResultCache(60)
    ports = {"embedder": corpus.embedder, "index": corpus.index, "plan": PLAN, "results": results}
    first = await retrieve(*understood(a_query(text="a group's lag")), **ports)
    embedded = len(corpus.embedder.texts)  # type: ignore[union-attr]
    again = await retrieve(*understood(a_query(text="a group's lag", query_id="q2")), **ports)

    assert (first.chunks, (), ("results",)) == (again.chunks, first.cached, again.cached)
    assert embedded == len(corpus.embedder.texts)  # type: ignore[union-attr]


async def test_a_document_that_comes_is_found_at_once() -> None:
    """The index has moved on, so what was kept is of another position."""
    corpus, results = await a_corpus(WordEmbedder()), ResultCache(60)
    ports = {"embedder": corpus.embedder, "index": corpus.index, "plan": PLAN, "results": results}
    await retrieve(*understood(a_query(text="lag")), **ports)
    await corpus.take(a_document("Lag again.", document_id="new"))
    found = await retrieve(*understood(a_query(text="lag")), **ports)

    assert (True, ()) == ("new" in {chunk.document_id for chunk in found.chunks}, found.cached)


async def test_while_the_embedder_hangs_keywords_answer() -> None:
    """Within the time of a search; after a few times it is not waited for. Nothing of it is kept for later."""

    class Hanging(WordEmbedder):
        asked = 0

        async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
            self.asked += 1
            await asyncio.Event().wait()
            return await super().embed(texts)

    corpus, results, embedder = await a_corpus(WordEmbedder()), ResultCache(60), Hanging()
    ports = {"index": corpus.index, "plan": PLAN, "results": results, "guards": Guards(timeout_s=1, failures=2, reset_s=60)}
    found = [await retrieve(*understood(a_query(text="cats sleep")), embedder=embedder, **ports) for _ in range(3)]

    assert [(("vector",), (), "cats")] * 3 == [(one.degraded, one.cached, one.chunks[0].document_id) for one in found]
    assert embedder.asked == 2
