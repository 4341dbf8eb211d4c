"""Two tenants and a model that writes one answer at a time: nobody waits for all that the other has asked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from pydantic import SecretStr

from schemas.settings import ApiKey
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.watching import Watch, ask_watched

QUESTIONS = 15
MODEL = 'scripted:{"tokens": 20, "per_token_s": 0.05}'


async def test_a_tenant_that_asks_much_delays_another_by_one_answer(fleet: Fleet) -> None:
    """Every question is answered, one after the other; the one that was asked last, by somebody else, is the next but one."""
    keys = tuple(ApiKey(key=SecretStr(f"key-of-{tenant}"), tenant=tenant) for tenant in ("a", "b"))
    await fleet.worker(language_model=MODEL, model_concurrency=1, refusals=False)
    api = await fleet.api(api_keys=keys)
    async with AsyncExitStack() as stack:
        a, b = (Api(api.child, api.url, {"X-API-Key": f"key-of-{tenant}"}) for tenant in ("a", "b"))
        for one in (a, b):
            stack.push_async_callback(one.http.aclose)
        many = [await ask_watched(a, f"What is told of case {number}?") for number in range(QUESTIONS)]
        for watch in many:
            await waits_since(watch)
        last = await ask_watched(b, "What is told of the last case?")
        await asyncio.gather(*(watch.task for watch in (*many, last)))
        begun, end = await waits_since(last), last.end["time"]

    between = [watch for watch in many if begun <= watch.end["time"] < end]

    assert {"AnswerCompleted"} == {watch.end["type"] for watch in (*many, last)}
    assert len(between) <= 3  # the one under way, the one whose turn it is, and one that ends before it waits in its turn
    assert any(watch.end["time"] > end for watch in many)


async def waits_since(watch: Watch) -> str:
    """When its sources were shown, which is before it has a slot."""
    while True:
        for frame in await watch.api.history(watch.session):
            if frame.type == "GenerationStarted":
                return str(frame.event["time"])
        await asyncio.sleep(0.01)
