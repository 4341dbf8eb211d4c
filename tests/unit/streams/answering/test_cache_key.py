"""Cache key: two prompts with one key would be answered alike."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.language_model.base import LanguageModel, Prompt, Turn
from connectors.language_model.canned import CannedModel
from connectors.language_model.extractive import ExtractiveModel
from connectors.language_model.scripted import ScriptedModel
from schemas.events import CacheKey, ChunksRetrieved, Filters, IndexPosition, KnownVotes
from schemas.settings import Settings
from streams.answering.cache_key import key_of
from tests.builders import a_chunk, a_session, chunks_retrieved

FOUND = chunks_retrieved(index=IndexPosition(index="test", offsets={"0": 7}))
PROMPT = Prompt("What is kept?", FOUND.chunks)
MODEL = ScriptedModel.from_json("")


def a_key(
    found: ChunksRetrieved = FOUND, prompt: Prompt = PROMPT, model: LanguageModel = MODEL, arms: dict[str, str] | None = None, **settings: Any
) -> CacheKey:
    key = key_of(found, prompt, model, Settings(**settings), arms or {})
    assert key is not None
    return key


def found_so(**changed: Any) -> ChunksRetrieved:
    return FOUND.model_copy(update=changed)


@pytest.mark.parametrize("question", ["what is kept?", "  What  is\nkept? "])
def test_case_and_spacing_make_no_difference(question: str) -> None:
    """What another says in the same words is the same question."""
    key = a_key(prompt=PROMPT._replace(question=question))

    assert (a_key().question, a_key().around) == (key.question, key.around)


@pytest.mark.parametrize(
    "other",
    [
        a_key(chunks_retrieved(a_session("acme"), index=FOUND.index)),
        a_key(found_so(index=IndexPosition(index="other", offsets={"0": 7}))),
        a_key(found_so(index=IndexPosition(index="test", generation=1, offsets={"0": 7}))),
        a_key(found_so(index=IndexPosition(index="test", offsets={"0": 8}))),
        a_key(found_so(plan="other")),
        a_key(found_so(votes=KnownVotes(offsets={"0": 1}, digest="2f"))),
        a_key(found_so(filters=Filters(tags=("new",)))),
        a_key(arms={"words": "short"}),
        a_key(model=ScriptedModel.from_json('{"text": "Otherwise."}')),
        a_key(prompt=PROMPT._replace(summary="Before, there was something else.")),
        a_key(prompt=PROMPT._replace(turns=(Turn("Where?", "There."),))),
        a_key(self_check=True),
    ],
    ids=["tenant", "index", "generation", "position", "plan", "votes", "filters", "arm", "model", "summary", "turns", "setting"],
)
def test_in_other_circumstances_it_is_another_answer(other: CacheKey) -> None:
    """Nothing of the one is given in the other, not even to a question that means the same."""
    here = a_key()

    assert here.around != other.around
    assert here.question != other.question


def test_another_question_in_the_same_circumstances_shares_them() -> None:
    """So that one that means the same is found."""
    here, other = a_key(), a_key(prompt=PROMPT._replace(question="What does not stay?"))

    assert here.around == other.around
    assert here.question != other.question


@pytest.mark.parametrize("chunks", [FOUND.chunks[:1], (a_chunk(1, text="Changed."), *FOUND.chunks[1:]), tuple(reversed(FOUND.chunks))])
def test_the_same_question_about_other_chunks_is_another(chunks: tuple[Any, ...]) -> None:
    """A server's index may change while a worker's position stands still."""
    ranked = tuple(chunk.model_copy(update={"rank": rank}) for rank, chunk in enumerate(chunks, start=1))
    key = a_key(prompt=PROMPT._replace(chunks=ranked))

    assert a_key().question != key.question


def test_a_partition_that_holds_nothing_makes_no_difference() -> None:
    """A worker that has just started may not have asked about it yet."""
    key = a_key(found_so(index=IndexPosition(index="test", offsets={"0": 7, "1": 0})))

    assert a_key() == key


@pytest.mark.parametrize(
    ("found", "model", "settings"),
    [
        (found_so(degraded=("vector",)), MODEL, Settings()),
        (FOUND, ExtractiveModel(), Settings()),
        (FOUND, CannedModel("Hello."), Settings()),
        (FOUND, MODEL, Settings(answer_cache=False)),
    ],
    ids=["degraded", "extractive", "canned", "switched off"],
)
def test_what_is_not_worth_keeping_has_no_key(found: ChunksRetrieved, model: LanguageModel, settings: Settings) -> None:
    """Or may be worse than what the next one gets."""
    key = key_of(found, PROMPT, model, settings, {})

    assert key is None
