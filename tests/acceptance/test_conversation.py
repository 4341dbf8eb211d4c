"""What a model is told of its session, through real processes: from what Kafka holds of it, whichever worker reads it."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infra.processes import Child
from schemas.settings import Settings
from tests.acceptance.fleet import Api, Fleet, Frame

BEFORE = 9  # turns
ANSWER = "Its number says which one it is."


def speaking(**script: object) -> dict[str, str]:
    return {"language_model": f"scripted:{json.dumps({'converses': True, **script})}"}


@pytest.fixture
async def asking(settings: Settings) -> AsyncIterator[Fleet]:
    """Processes whose model is asked whatever is found, and each time anew."""
    changed = {"refusals": False, "answer_cache": False, "embedder": "none"}
    fleet = Fleet(settings.model_copy(update=changed))
    try:
        yield fleet
    finally:
        await fleet.close()


async def nine_turns(api: Api, session: str) -> list[str]:
    """Questions that were answered, and a greeting among them; their ids."""
    asked = []
    for number in range(1, BEFORE + 1):
        asked.append(await api.ask(session, f"What is partition number {number}?"))
        await api.answer(session, asked[-1])
    await api.answer(session, await api.ask(session, "Thanks!"))
    return [accepted["query_id"] for accepted in asked]


async def told(api: Api, session: str, query_id: str) -> list[dict[str, Any]]:
    """What each attempt of an answer was told."""
    frames = [frame for frame in await api.history(session) if frame.event["query_id"] == query_id]
    return [frame.event["conversation"] for frame in frames if frame.type == "GenerationStarted"]


async def killed_in_the_middle(fleet: Fleet, worker: Child, api: Api, session: str, accepted: dict[str, Any]) -> list[Frame]:
    seen = await api.frames(session, after=accepted["cursor"], query=accepted["query_id"], most=8)
    await fleet.signal(worker, signal.SIGKILL)
    return seen


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_the_last_five_turns_are_told_whole_and_four_older_ones_in_a_line(asking: Fleet, placement: str) -> None:
    """By a worker that has seen none of them, and by the one that takes the answer over from it; the audit record has the whole prompt."""
    first, api = await asking.worker(**speaking(text=ANSWER)), await asking.api()
    session = await api.session(placement)
    turns = await nine_turns(api, session)
    await asking.signal(first, signal.SIGTERM)
    second = await asking.worker(**speaking(tokens=60, per_token_s=0.1))
    accepted = await api.ask(session, "What is partition number 10?")
    seen = await killed_in_the_middle(asking, second, api, session, accepted)
    await asking.worker(**speaking(tokens=60))

    ended = (await api.frames(session, after=seen[-1].cursor, query=accepted["query_id"]))[-1].event

    attempts = await told(api, session, accepted["query_id"])
    assert 2 <= len(attempts)
    assert [(turns[4:], turns[:4])] * len(attempts) == [(each["verbatim"], each["summarised"]) for each in attempts]
    assert re.findall(r"--- user ---\nQuestion: What is partition number (\d)\?\n\n--- assistant ---\n(.+)\n", ended["prompt"]) == [
        (str(number), ANSWER) for number in range(5, 10)
    ]
    assert re.findall(r"^- What is partition number (\d)\? → (.+)$", ended["prompt"], re.MULTILINE) == [(str(n), ANSWER) for n in range(1, 5)]
    assert ended["prompt"].endswith("Question: What is partition number 10?")


async def test_a_question_that_is_too_long_by_itself_fails_with_what_mends_it(asking: Fleet) -> None:
    """Nothing of it is cut off in silence, and nobody tries again."""
    await asking.worker(**speaking(text=ANSWER), prompt_tokens=400)
    api = await asking.api()
    session = await api.session()

    failed = await api.answer(session, await api.ask(session, "What is a partition " * 100))

    assert ("AnswerFailed", "invalid-query", False) == (failed["type"], failed["error"], failed["retryable"])
    assert "ROXY_PROMPT_TOKENS" in failed["remedy"]


async def test_a_worker_with_a_template_that_is_not_whole_does_not_start(asking: Fleet) -> None:
    """It says what is wrong with it."""
    folder = asking.settings.state_dir / "prompts"
    folder.mkdir(parents=True)
    (folder / "mine.v1.md").write_text("--- system ---\nSpeak!\n")

    with pytest.raises(AssertionError, match="has not the sections"):
        await asking.worker(prompt="mine.v1", prompts_dir=folder)
