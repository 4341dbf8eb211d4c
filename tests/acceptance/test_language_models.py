"""Answers of a real model on a real Ollama, through real processes: recorded with what was asked and counted, and alive after their worker.

Full tier. The model recites (tests/reciting_model.py), so its text is known.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest

from infra.demo import SAMPLES
from infra.documents import find_documents
from infra.ingest import submit_and_wait
from schemas.settings import Settings
from tests.acceptance.fleet import Api, Fleet, words_of
from tests.reciting_model import NAME, TEXT

pytestmark = pytest.mark.full

QUESTION = "What does the committed offset of a consumer group mean?"


@pytest.fixture
async def asking(settings: Settings, ollama_server: Settings) -> AsyncIterator[Fleet]:
    """Processes that ask the model, and the sample documents."""
    changed = {"language_model": f"ollama:{NAME}", "ollama_url": ollama_server.ollama_url, "openai_url": ollama_server.openai_url}
    fleet = Fleet(settings.model_copy(update=changed))
    try:
        found = find_documents([SAMPLES], tenant="default", tags=(), max_bytes=10**7)
        worker = await fleet.worker()
        await submit_and_wait(fleet.settings, found.documents)
        await fleet.signal(worker, signal.SIGTERM)
        yield fleet
    finally:
        await fleet.close()


async def asked(api: Api) -> tuple[str, dict[str, str]]:
    session = await api.session()
    return session, await api.ask(session, QUESTION)


@pytest.mark.parametrize("backend", ["ollama", "openai"])
async def test_a_served_models_answer_is_recorded_with_what_it_was_asked(asking: Fleet, backend: str) -> None:
    """Its text, its citation, its prompt, its tokens as the server counts them, the template and the settings it had."""
    await asking.worker(language_model=f"{backend}:{NAME}")
    api = await asking.api()
    session, accepted = await asked(api)

    end = await api.answer(session, accepted)

    assert TEXT == end["text"]
    assert [1] == [citation["number"] for citation in end["citations"]]
    assert end["prompt"].endswith(f"Question: {QUESTION}")
    assert "stop" == end["finish_reason"]
    assert min(end["usage"].values()) >= 200
    assert {"prompt": "answer.v1", "temperature": 0.0}.items() <= end["parameters"].items()
    assert f"{backend}:{NAME}" == end["model"]


async def test_a_chat_with_turns_before_the_question_is_accepted(asking: Fleet) -> None:
    """The second answer of a session was asked for with the first, without its citation."""
    await asking.worker(language_model=f"ollama:{NAME}", answer_cache=False, top_k=1)  # it reads a character a token
    api = await asking.api()
    session, accepted = await asked(api)
    await api.answer(session, accepted)

    end = await api.answer(session, await api.ask(session, "What is consumer lag?"))

    assert TEXT == end["text"]
    assert f"--- user ---\nQuestion: {QUESTION}\n\n--- assistant ---\n{TEXT.removesuffix(' [1]')}\n\n--- user ---\n" in end["prompt"]


async def test_a_model_that_the_server_does_not_have_fails_the_answer_at_once(asking: Fleet) -> None:
    """With what mends it; nobody tries again."""
    await asking.worker(language_model="ollama:absent")
    api = await asking.api()
    session, accepted = await asked(api)

    end = await api.answer(session, accepted)

    assert ("AnswerFailed", "model-refused", False) == (end["type"], end["error"], end["retryable"])
    assert "ollama pull absent" in end["remedy"]


async def test_an_answer_goes_on_behind_what_is_out_when_its_worker_is_killed(asking: Fleet) -> None:
    """Byte by byte the text of an undisturbed run, no index missing, none doubled, one end."""
    first, api = await asking.worker(), await asking.api()
    session, accepted = await asked(api)
    seen = await api.frames(session, after=accepted["cursor"], query=accepted["query_id"], most=12)
    await asking.signal(first, signal.SIGKILL)
    await asking.worker()

    seen += await api.frames(session, after=seen[-1].cursor, query=accepted["query_id"])

    tokens = [frame for frame in seen if frame.type == "TokensGenerated"]
    assert TEXT == words_of(tokens) == seen[-1].event["text"]
    assert list(range(len(tokens))) == [frame.event["index"] for frame in tokens]
    assert 1 == sum(frame.type == "AnswerCompleted" for frame in seen)
