"""Retrieval: a question to ChunksRetrieved."""

from __future__ import annotations

from streams.retrieval import retrieve
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
