"""Search: all stages over real indexes; parts that fail, hang or recover."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from connectors.embedder.base import Vectors
from schemas.errors import IndexUnavailable, ModelUnavailable
from schemas.events import Filters
from streams.chunk_index import ChunkIndex
from streams.search.guard import Guards
from streams.search.lookup import Found, Lookup
from streams.search.plan import Plan
from streams.search.search import search
from tests.unit.streams.corpus import PLAN, Corpus, WordEmbedder, a_deletion, a_document

TEXTS = {
    "lag": "Lag is the distance between the end of a partition and what a group has committed.",
    "cats": "Cats sleep on warm radiators most of the day in winter, and in the sun in summer.",
    "copy": "Lag is the distance between the end of a partition and what a group has committed.",
}
PAGE = "\n\n".join(f"Part {number} tells of matter {number}. " + "It goes on for a while with words that fill it. " * 5 for number in range(6))


async def a_corpus(texts: dict[str, str] | None = None, *, embedder: WordEmbedder | None = None) -> Corpus:
    corpus = Corpus(embedder or WordEmbedder())
    for document_id, text in (texts or TEXTS).items():
        await corpus.take(a_document(text, document_id=document_id))
    return corpus


async def asked(corpus: Corpus, text: str, plan: Plan = PLAN, filters: Filters | None = None, **named: Any) -> Found:
    lookup = Lookup("default", text, filters or Filters())
    return await search(lookup, embedded(corpus, text) if corpus.embedder else None, index=corpus.index, plan=plan, **named)


async def embedded(corpus: Corpus, text: str) -> Vectors:
    assert corpus.embedder is not None
    row: Vectors = (await corpus.embedder.embed([text]))[0]
    return row


def documents(found: Found) -> list[str]:
    return [chunk.document_id for chunk in found.chunks]


def failing(error: BaseException) -> Callable[..., Awaitable[Any]]:
    async def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


async def hang(*_: object, **__: object) -> Any:
    await asyncio.Event().wait()


class Reranker:
    """Likes long texts; or fails."""

    name = "long-ones"
    error: Exception | None = None

    async def score(self, question: str, texts: Sequence[str]) -> list[float]:
        if self.error:
            raise self.error
        return [float(len(text)) for text in texts]


# ---------------------------------------------------------------- stages


async def test_of_two_that_say_the_same_one_is_found_and_names_the_other() -> None:
    """Nothing was dropped: when the one goes, the other is found."""
    corpus = await a_corpus()
    both = await asked(corpus, "the distance of a group")
    shown = both.chunks[0]
    await corpus.take(a_deletion(shown.document_id))
    left = await asked(corpus, "the distance of a group")

    assert ({"lag", "copy"}, 1) == ({shown.document_id, shown.also_in[0].removeprefix("default/")[:-2]}, len(shown.also_in))
    assert (documents(both).count("lag") + documents(both).count("copy"), left.chunks[0].also_in) == (1, ())
    assert left.chunks[0].chunk_id == shown.also_in[0]


async def test_a_filter_that_matches_nothing_finds_nothing() -> None:
    """And no part is asked for it: a vector that is being made is not waited for."""
    corpus = await a_corpus()
    found = await asked(corpus, "lag", filters=Filters(tags=("unknown",)))

    assert ((), ()) == (found.chunks, found.degraded)


async def test_filters_hold_for_both_parts() -> None:
    """By vector and by keyword."""
    corpus = await a_corpus()

    assert ["cats"] == documents(await asked(corpus, "lag", filters=Filters(sources=("cats.md",))))


async def test_the_reranker_has_the_last_word_on_the_order() -> None:
    """Its score is in the event, with those that it changed."""
    corpus = await a_corpus({"short": "Lag.", "long": "Lag, and a good deal more that is not on lag at all."})
    found = await asked(corpus, "lag", reranker=Reranker())

    assert (["long", "short"], "long-ones") == (documents(found), found.reranker)
    assert [chunk.scores.rerank for chunk in found.chunks] == sorted((chunk.scores.rerank or 0.0 for chunk in found.chunks), reverse=True)


async def test_a_reranker_that_fails_leaves_the_order_as_it_was() -> None:
    """And is named."""
    corpus = await a_corpus()
    reranker = Reranker()
    plain = await asked(corpus, "lag")
    reranker.error = ModelUnavailable()
    found = await asked(corpus, "lag", reranker=reranker)

    assert (plain.chunks, ("rerank",), None) == (found.chunks, found.degraded, found.reranker)


async def test_neighbours_come_with_a_chunk() -> None:
    """Their text is the document's."""
    corpus = await a_corpus({"page": PAGE})
    plain = (await asked(corpus, "matter 3", PLAN._replace(top_k=1))).chunks[0]
    wide = (await asked(corpus, "matter 3", PLAN._replace(top_k=1, neighbours=1))).chunks[0]

    assert len(plain.text) < len(wide.text)
    assert (PAGE[wide.start : wide.end], plain.chunk_id) == (wide.text, wide.chunk_id)
    assert len(wide.neighbours) == 2


async def test_the_context_is_bounded() -> None:
    """By whole chunks."""
    corpus = await a_corpus({"page": PAGE, **TEXTS})
    found = await asked(corpus, "matter lag cats", PLAN._replace(context_tokens=120))

    assert 0 < sum(chunk.tokens for chunk in found.chunks) <= 120
    assert [chunk.rank for chunk in found.chunks] == list(range(1, len(found.chunks) + 1))


@pytest.mark.parametrize("embedder", [WordEmbedder(), None])
async def test_diversity_works_with_and_without_vectors(embedder: WordEmbedder | None) -> None:
    """What says nothing new comes later, though it matches better."""
    texts = {"a": "lag lag of a group", "b": "lag lag of a group here", "c": "lag and cats and winter and radiators"}
    corpus = Corpus(embedder)
    for document_id, text in texts.items():
        await corpus.take(a_document(text, document_id=document_id))
    plan = PLAN._replace(near_duplicate=0.0, smoothing=0.0, top_k=2)

    assert {"a", "b"} == set(documents(await asked(corpus, "lag group", plan)))
    assert "c" in documents(await asked(corpus, "lag group", plan._replace(diversity=0.9)))


async def test_a_chunk_that_goes_while_it_is_looked_up_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hit has no text any more."""
    corpus = await a_corpus()
    sharing = corpus.index.sharing

    async def and_then_it_goes(*given: Any) -> Any:
        hits = await sharing(*given)
        await corpus.take(a_deletion("cats"))
        return hits

    monkeypatch.setattr(corpus.index, "sharing", and_then_it_goes)

    assert "cats" not in documents(await asked(corpus, "cats", PLAN))


# --------------------------------------------------------------- degraded


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("of a client library"), ModelUnavailable(), asyncio.CancelledError()])
@pytest.mark.parametrize(("part", "method"), [("vector", "near"), ("keyword", "sharing")])
async def test_a_part_that_fails_is_done_without(part: str, method: str, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises."""
    corpus = await a_corpus()
    monkeypatch.setattr(corpus.index, method, failing(error))
    found = await asked(corpus, "cats sleep")

    assert ((part,), "cats") == (found.degraded, found.chunks[0].document_id)
    assert (found.chunks[0].scores.vector is None, found.chunks[0].scores.keyword is None) == (part == "vector", part == "keyword")


@pytest.mark.parametrize(("part", "method"), [("vector", "near"), ("keyword", "sharing")])
async def test_a_part_that_hangs_does_not_hold_the_other(part: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than its time; and after a few times it is not waited for at all."""
    corpus = await a_corpus()
    calls = 0

    async def counted(*_: object) -> Any:
        nonlocal calls
        calls += 1
        await hang()

    monkeypatch.setattr(corpus.index, method, counted)
    guards = Guards(timeout_s=1, failures=2, reset_s=60)
    found = [await asked(corpus, "cats sleep", guards=guards) for _ in range(4)]

    assert [((part,), "cats")] * 4 == [(one.degraded, one.chunks[0].document_id) for one in found]
    assert calls == 2


async def test_a_part_recovers_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the breaker's time one question tries it, and the next ones have it again."""
    corpus = await a_corpus()
    guards = Guards(failures=1, reset_s=0.01)
    with monkeypatch.context() as broken:
        broken.setattr(corpus.index, "near", failing(OSError()))
        down = await asked(corpus, "cats", guards=guards)
    await asyncio.sleep(0.05)

    assert ("vector",) == down.degraded
    assert () == (await asked(corpus, "cats", guards=guards)).degraded


async def test_with_no_part_left_the_question_fails_with_a_plain_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which AnswerFailed shows. With open breakers at once, not after a wait."""
    corpus = await a_corpus()
    monkeypatch.setattr(corpus.index, "near", failing(OSError()))
    monkeypatch.setattr(corpus.index, "sharing", hang)
    guards = Guards(timeout_s=0.02, failures=1, reset_s=60)
    for _ in range(2):
        with pytest.raises(IndexUnavailable, match="Nothing can be looked up at the moment"):
            await asked(corpus, "cats", guards=guards)


async def test_without_vectors_to_fetch_the_order_is_the_lists_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feedback and smoothing need vectors: a part that breaks in between is named, and what it gave before counts."""
    corpus = await a_corpus()
    fetched = 0
    vectors_of = corpus.index.vectors_of

    async def once(*given: Any) -> Any:
        nonlocal fetched
        fetched += 1
        if fetched > 1:
            raise OSError
        return await vectors_of(*given)

    monkeypatch.setattr(corpus.index, "vectors_of", once)
    found = await asked(corpus, "cats")

    assert (("vector",), True) == (found.degraded, found.chunks[0].scores.vector is not None)


async def test_an_index_without_parts_finds_nothing() -> None:
    """It was set up so."""
    index = ChunkIndex(vectors=None, keywords=None, embedder_name="none")

    assert () == (await search(Lookup("default", "cats"), None, index=index, plan=PLAN)).chunks
