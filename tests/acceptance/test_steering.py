"""What steers answers while everything runs: flags that are switched, and experiments. Through real processes, by both doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from schemas.answering_settings import Arm, Experiment
from schemas.settings import ApiKey, Settings
from tests.acceptance.fleet import ANSWER_S, Api, Fleet, Frame
from tests.acceptance.roxy_command import roxy

PAGES = {
    "lag": "# Consumer lag\n\nConsumer lag is the distance between the end of a partition and the position of its group.",
    "isr": "# In-sync replicas\n\nA replica is in sync while its distance to the end of the leader's partition is small.",
    "rest": "# Position\n\nThe position of a group is the offset of the next record that it reads of a partition.",
}
QUESTION = "What is the position in a partition?"
WIDTHS = Experiment(name="width", arms=(Arm(name="narrow", settings={"top_k": 1}), Arm(name="wide", settings={"top_k": 3})))


@pytest.fixture
async def steered(fleet: Fleet) -> AsyncIterator[Api]:
    """A worker with tiers and an experiment, and a client of a tenant of its own: flags are for all who share the broker."""
    tenant = f"steered-{uuid4().hex[:8]}"
    await fleet.worker(embedder="none", tiers={"large": "extractive"}, experiments=(WIDTHS,), answer_cache=False)
    api = await fleet.api(api_keys=(ApiKey(key=SecretStr("ann"), tenant=tenant, subject="ann", roles=("ask", "ingest", "operate")),))
    client = Api(api.child, api.url, {"X-API-Key": "ann"})
    for name, text in PAGES.items():
        await client.post("/v1/documents", {"document_id": name, "text": text})
    async with asyncio.timeout(ANSWER_S):
        while {(await client.http.get(f"/v1/documents/{name}")).json()["status"] for name in PAGES} != {"indexed"}:
            await asyncio.sleep(0.1)
    yield client
    await client.http.aclose()


async def told_by(*arguments: str, settings: Settings) -> dict[str, Any]:
    """What `roxy flags …` prints."""
    ran = await asyncio.to_thread(roxy, settings, "flags", *arguments, "--json")
    assert ran.exit_code == 0, ran.stderr
    return ran.json


async def answered(api: Api) -> dict[str, Frame]:
    """The records of a question in a session of its own, by type."""
    session = await api.session("lane")
    accepted = await api.ask(session, QUESTION)
    return {frame.type: frame for frame in await api.frames(session, after=accepted["cursor"], query=accepted["query_id"])}


async def tier(api: Api) -> str | None:
    route: dict[str, Any] = (await answered(api))["GenerationStarted"].event["route"]
    return route["tier"]


async def until_routed(api: Api, routed: bool) -> None:
    """The worker hears of a change within a moment."""
    async with asyncio.timeout(ANSWER_S):
        while (await tier(api) is not None) is not routed:
            await asyncio.sleep(0.1)


@pytest.mark.timeout(300)  # three commands of their own, on two busy cores
async def test_a_flag_that_is_switched_changes_the_next_answers_of_a_running_worker(steered: Api, fleet: Fleet) -> None:
    """By HTTP and back by the command line; both changes are in the log, with who and why. A worker that starts later knows them."""
    tenant = (await steered.http.get("/v1/flags")).json()["tenant"]
    before = await tier(steered)
    await steered.http.put("/v1/flags/routing", json={"value": False, "reason": "the small one is ill"})
    await until_routed(steered, False)
    told = {one["flag"]: one for one in (await steered.http.get("/v1/flags")).json()["flags"]}["routing"]
    await told_by("set", "routing", "on", "--tenant", tenant, "--reason", "it is well again", settings=fleet.settings)
    await until_routed(steered, True)
    history = await told_by("history", "routing", settings=fleet.settings)
    listed = await told_by("list", "--tenant", tenant, settings=fleet.settings)
    changes = [change for change in history["changes"] if change["tenant"] == tenant]

    assert before is not None
    assert (False, "tenant", "ann", "the small one is ill") == tuple(told[name] for name in ("value", "by", "changed_by", "reason"))
    assert [(False, "the small one is ill"), (True, "it is well again")] == [(change["value"], change["reason"]) for change in changes]
    assert "ann" == changes[0]["changed_by"]
    assert [True] == [one["value"] for one in listed["flags"] if one["flag"] == "routing"]


async def test_a_session_is_searched_and_answered_as_its_arm_says(steered: Api) -> None:
    """Every record of a question names the same arm, and both arms have sessions."""
    seen: dict[str, int] = {}
    for _ in range(40):
        frames = await answered(steered)
        arms = [frames[name].event["arms"] for name in ("ChunksRetrieved", "GenerationStarted", "AnswerCompleted")]
        assert [arms[0]] * 3 == arms
        seen[arms[0]["width"]] = len(frames["ChunksRetrieved"].event["chunks"])
        if len(seen) == 2:
            break

    assert {"narrow": 1, "wide": 3} == seen
