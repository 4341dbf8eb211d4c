"""Votes on chunks, through real processes: what a worker finds after them, and what a replay makes of questions before and after."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra.ingest import submit_and_wait
from schemas.events import DocumentSubmitted
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.roxy_command import roxy
from tests.acceptance.test_docs_examples import until

QUESTION = "What does a glimmet weigh?"
TEXTS = {"glimmet-one": "A glimmet weighs seven ounces, more or less.", "glimmet-two": "When wet, what a glimmet does weigh is eight."}
SETTINGS = {"chunk_votes_weight": 0.5, "fusion": "rrf", "refusals": False}


@pytest.mark.timeout(300)  # three commands of their own, on two busy cores
async def test_a_vote_moves_what_is_found_and_a_replay_knows_since_when(fleet: Fleet) -> None:
    """The worker hears of it as it comes; results that it kept are not given any more. Each past question is asked again with its own votes."""
    await fleet.worker(**SETTINGS)
    api = await fleet.api()
    await submit_and_wait(fleet.settings, [a_page(name, text) for name, text in TEXTS.items()])
    session, before = await found(api)
    best, second = (chunk["chunk_id"] for chunk in before["chunks"][:2])
    await api.post(f"/v1/sessions/{session}/feedback", {"chunk_id": best, "thumb": "down"})
    after = await until(lambda: found_otherwise(api, before))
    then, since, now = [
        await replayed(fleet, found["query_id"], *options) for found, *options in ((before,), (after,), (before, "--against", "live"))
    ]

    assert [second, best] == [chunk["chunk_id"] for chunk in after["chunks"][:2]]
    assert (None, 0.875) == (before["chunks"][0]["scores"]["votes"], after["chunks"][1]["scores"]["votes"])
    assert before["votes"]["digest"] != after["votes"]["digest"]
    assert (True, True, False) == (then["same"], since["same"], now["same"])


def a_page(name: str, text: str) -> DocumentSubmitted:
    return DocumentSubmitted(id=name, tenant="default", document_id=name, source=f"{name}.md", content=text)


async def found(api: Api) -> tuple[str, dict[str, Any]]:
    """A session of its own, and what is found in it for the question."""
    session = await api.session("lane")
    await api.answer(session, await api.ask(session, QUESTION))
    return session, next(frame.event for frame in await api.history(session) if frame.type == "ChunksRetrieved")


async def found_otherwise(api: Api, before: dict[str, Any]) -> dict[str, Any] | None:
    _, now = await found(api)
    return now if now["chunks"][0]["chunk_id"] != before["chunks"][0]["chunk_id"] else None


async def replayed(fleet: Fleet, query_id: str, *options: str) -> dict[str, Any]:
    settings = fleet.settings.model_copy(update=SETTINGS)
    ran = await asyncio.to_thread(roxy, settings, "replay", "query", query_id, *options, "--json")
    assert 0 == ran.exit_code, ran.stderr
    return ran.json
