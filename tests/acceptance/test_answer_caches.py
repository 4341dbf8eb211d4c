"""Answers given again, through real processes: by whichever worker, for as long as what they depend on stays as it is."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from pydantic import SecretStr

from infra.ingest import submit_and_wait
from infra.processes import Child
from schemas.events import DocumentSubmitted
from schemas.settings import ApiKey, Settings
from tests.acceptance.fleet import Api, Fleet, Frame, words_of

SAID = "It is the distance to the end of the partition."
DOCUMENT = DocumentSubmitted(id="lag", tenant="default", document_id="lag", source="lag.md", content=f"# Lag\n\nConsumer lag: {SAID}")
OTHER = "Something else was said by another model."


def saying(text: str) -> dict[str, str]:
    return {"language_model": f"scripted:{json.dumps({'text': text})}"}


class Asking(NamedTuple):
    """Processes that give answers again, and a document."""

    fleet: Fleet
    worker: Child
    api: Api


@pytest.fixture
async def asking(settings: Settings) -> AsyncIterator[Asking]:
    fleet = Fleet(settings.model_copy(update={"answer_cache": True, "refusals": False, **saying(SAID)}))
    try:
        worker, api = await fleet.worker(), await fleet.api()
        await submit_and_wait(fleet.settings, [DOCUMENT])
        yield Asking(fleet, worker, api)
    finally:
        await fleet.close()


def a_question() -> str:
    """That nobody has asked before: all tests share a broker."""
    return f"What is consumer lag in case {uuid.uuid4().hex}?"


async def asked(api: Api, question: str) -> tuple[list[Frame], dict[str, Any]]:
    """The answer's frames, in a session of its own, and its end."""
    session = await api.session()
    accepted = await api.ask(session, question)
    frames = await api.frames(session, after=accepted["cursor"], query=accepted["query_id"])
    assert frames[-1].type == "AnswerCompleted", frames[-1].event
    return frames, frames[-1].event


async def given_again(api: Api, question: str) -> tuple[list[Frame], dict[str, Any]]:
    """Asked until it is: a worker hears of an answer a moment after it has ended."""
    async with asyncio.timeout(30):
        while (answered := await asked(api, question))[1]["cached"] is None:
            await asyncio.sleep(0.2)
    return answered


async def test_an_answer_given_again_streams_like_any_other_and_says_so(asking: Asking) -> None:
    """Its words token by token, its citations, at no cost; in GenerationStarted and in the end it names the answer that it was."""
    question = a_question()
    frames, first = await asked(asking.api, question)
    again, end = await given_again(asking.api, f"  {question.upper()}")

    started = next(frame.event for frame in again if frame.type == "GenerationStarted")
    assert (SAID in first["text"], None) == (True, first["cached"])
    assert first["text"] == end["text"] == words_of(again) == words_of(frames)
    assert first["citations"] == end["citations"]
    assert ("exact", 1.0) == (end["cached"]["kind"], end["cached"]["similarity"])
    assert started["cached"] == end["cached"]
    assert ({0}, None, None) == (set(end["usage"].values()), end["cost"], end["cache_key"])


async def test_another_worker_gives_it_too_when_the_first_is_gone(asking: Asking) -> None:
    """It has read the last hours of the log when it started."""
    question = a_question()
    _, first = await asked(asking.api, question)
    await asking.fleet.signal(asking.worker, signal.SIGTERM)
    await asking.fleet.worker()
    _, end = await given_again(asking.api, question)

    assert (first["answer_id"], first["text"]) == (end["cached"]["answer_id"], end["text"])


async def test_a_changed_document_makes_a_new_answer(asking: Asking) -> None:
    """Whichever document: the index knows more than it did."""
    question = a_question()
    await asked(asking.api, question)
    _, before = await given_again(asking.api, question)
    await asking.api.post("/v1/documents", {"document_id": f"new-{uuid.uuid4().hex}", "text": "# Lag\n\nConsumer lag is measured in records."})
    async with asyncio.timeout(60):
        while (after := (await asked(asking.api, question))[1])["cached"] is not None:
            await asyncio.sleep(0.2)

    assert before["cached"] is not None
    assert "scripted" == after["model"]


async def test_another_model_makes_its_own_answer(asking: Asking) -> None:
    """Though it is asked the same about the same documents."""
    question = a_question()
    await asked(asking.api, question)
    await given_again(asking.api, question)
    await asking.fleet.signal(asking.worker, signal.SIGTERM)
    await asking.fleet.worker(**saying(OTHER))
    _, end = await asked(asking.api, question)

    assert (None, True) == (end["cached"], end["text"].startswith(OTHER))


async def test_no_tenant_is_given_anothers_answer(asking: Asking) -> None:
    """To the same question; each is given its own."""
    keys = tuple(ApiKey(key=SecretStr(f"key-of-{tenant}"), tenant=tenant, roles=("ask",)) for tenant in ("a", "b"))
    both = await asking.fleet.api(api_keys=keys)
    question, ids = a_question(), []
    for tenant in ("a", "b"):
        api = Api(both.child, both.url, {"X-API-Key": f"key-of-{tenant}"})
        _, first = await asked(api, question)
        _, again = await given_again(api, question)
        ids.append((first["cached"], first["answer_id"] == again["cached"]["answer_id"]))
        await api.http.aclose()

    assert [(None, True)] * 2 == ids


async def meant_the_same(api: Api) -> dict[str, Any]:
    """The end of a paraphrase, asked when the answer to a question is known; one that turns it round has an answer of its own."""
    case = uuid.uuid4().hex[:6]
    await asked(api, f"What is consumer lag in case {case}?")
    await given_again(api, f"What is consumer lag in case {case}?")
    _, end = await asked(api, f"What does consumer lag mean in case {case}?")
    _, other = await asked(api, f"What is not consumer lag in case {case}?")
    assert other["cached"] is None
    return end


@pytest.mark.full
@pytest.mark.timeout(400)  # importing torch takes most of a minute on two busy cores
async def test_a_question_that_means_the_same_is_given_the_answer(asking: Asking) -> None:
    """By a worker with all-MiniLM-L6-v2; a question that only looks like it is not."""
    await asking.fleet.signal(asking.worker, signal.SIGTERM)
    await asking.fleet.worker(embedder="sentence-transformers:all-MiniLM-L6-v2", semantic_cache=True)
    async with asyncio.timeout(60):
        while (first := await meant_the_same(asking.api))["cached"] is None:  # its vector was not made yet
            await asyncio.sleep(0.2)

    assert ("semantic", True) == (first["cached"]["kind"], first["cached"]["similarity"] >= 0.95)
