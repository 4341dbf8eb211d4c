"""Answer cache: what is given to a question that was asked in other words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.errors import ModelUnavailable
from schemas.events import AnswerCompleted
from streams.answering.answer_cache import Hit
from streams.answering.near_questions import NearQuestions
from tests.builders import a_chunk
from tests.unit.streams.answering.answer_caches import CHUNKS, EXACT, SEMANTIC, TwoWays, a_cache, a_key, an_answer, given_for, learnt


async def given_alike(*answers: AnswerCompleted, asked: str, chunks: Sequence[Any] = CHUNKS, around: str = "here") -> Hit | None:
    near = NearQuestions(TwoWays(), wanted=True)
    cache = a_cache(*answers, near=near)
    await learnt(near)
    return await given_for(cache, a_key(asked, around), SEMANTIC, chunks)


async def test_a_question_that_means_the_same_is_given_the_answer() -> None:
    """Where the setting says so, with how near it lies."""
    hit = await given_alike(an_answer(key=a_key("What is alike?")), asked="What does alike mean?")

    assert hit is not None
    assert ("Kept [1].", "semantic", "a-1", 1.0) == (hit.text, hit.cached.kind, hit.cached.answer_id, hit.cached.similarity)


@pytest.mark.parametrize(
    ("asked", "chunks", "around"),
    [
        ("What is not alike?", CHUNKS, "here"),
        ("What is far away?", CHUNKS, "here"),
        ("What does alike mean?", CHUNKS, "there"),
        ("What does alike mean?", CHUNKS[1:], "here"),
    ],
    ids=["near, but turned round", "far", "other circumstances", "its source was not found"],
)
async def test_what_only_looks_like_it_is_not(asked: str, chunks: Sequence[Any], around: str) -> None:
    """Better no answer given again than a wrong one."""
    hit = await given_alike(an_answer(key=a_key("What is alike?")), asked=asked, chunks=chunks, around=around)

    assert hit is None


async def test_an_answer_that_cites_nothing_is_given_to_the_same_question_only() -> None:
    """Asked in other words, the documents may hold one."""
    hit = await given_alike(an_answer("Nobody knows.", a_key("What is alike?"), cites=()), asked="What does alike mean?")

    assert hit is None


async def test_a_paraphrase_cites_what_was_cited_then() -> None:
    """By the numbers that the chunks have now."""
    ranks = (a_chunk(1, chunk_id="d2#0"), a_chunk(2, chunk_id="d1#0"))
    hit = await given_alike(an_answer(key=a_key("What is alike?")), asked="What does alike mean?", chunks=ranks)

    assert hit is not None
    assert "Kept [2]." == hit.text


async def test_only_the_same_question_is_known_where_nothing_else_is_asked_for() -> None:
    """ROXY_SEMANTIC_CACHE is off by default; or there is no embedder."""
    near = NearQuestions(TwoWays(), wanted=True)
    cache, blind = a_cache(an_answer(key=a_key("What is alike?")), near=near), a_cache(an_answer(key=a_key("What is alike?")))
    await learnt(near)
    off, none = await given_for(cache, a_key("What does alike mean?"), EXACT), await given_for(blind, a_key("What does alike mean?"), SEMANTIC)

    assert (None, None) == (off, none)


async def test_no_vector_is_made_before_somebody_asks_for_what_is_near() -> None:
    """The question that does is too early; the next is not."""
    near = NearQuestions(TwoWays())
    cache = a_cache(an_answer(key=a_key("What is alike?")), near=near)
    await learnt(near)
    early = await given_for(cache, a_key("What does alike mean?"), SEMANTIC)
    await learnt(near)
    later = await given_for(cache, a_key("What does alike mean?"), SEMANTIC)

    assert (None, True) == (early, later is not None)


@pytest.mark.parametrize("fault", [ModelUnavailable(), ValueError("not a word")], ids=["away", "broken"])
async def test_without_the_embedder_the_model_is_asked(fault: Exception) -> None:
    """A cache that does not answer costs nobody an answer."""
    embedder = TwoWays()
    near = NearQuestions(embedder, wanted=True)
    cache = a_cache(an_answer(key=a_key("What is alike?")), near=near)
    await learnt(near)
    embedder.fault = fault
    hit = await given_for(cache, a_key("What does alike mean?"), SEMANTIC)

    assert hit is None


async def test_questions_that_have_no_vectors_keep_no_others_from_theirs() -> None:
    """An embedder that cannot take them is asked for them once; what comes later is compared."""
    embedder = TwoWays()
    near = NearQuestions(embedder, wanted=True)
    cache = a_cache(an_answer(key=a_key("What is far?")), near=near)
    learning = asyncio.create_task(near.learn())
    embedder.fault = ValueError("not a word")
    for _ in range(20):
        await asyncio.sleep(0)
    embedder.fault = None
    cache.put(an_answer(key=a_key("What is alike?")))
    for _ in range(20):
        await asyncio.sleep(0)
    learning.cancel()
    await asyncio.wait([learning])
    hit = await given_for(cache, a_key("What does alike mean?"), SEMANTIC)

    assert hit is not None
