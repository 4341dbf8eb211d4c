"""Two tenants on one installation: neither sees, disturbs or finds what the other has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from pydantic import SecretStr

from schemas.settings import ApiKey
from tests.acceptance.fleet import Api, Fleet

TEXTS = {
    "a": "# Parental leave\n\nParental leave at the bakery lasts twelve weeks, and the bakery pays for all of them.",
    "b": "# Parental leave\n\nParental leave at the shipyard lasts thirty weeks, and the shipyard pays for half of them.",
}
QUESTION = "How many weeks does parental leave last?"


class Tenants(NamedTuple):
    """A client of each, of the same API process."""

    a: Api
    b: Api


@pytest.fixture
async def tenants(fleet: Fleet) -> AsyncIterator[Tenants]:
    """A worker and one API process that knows a key of each tenant."""
    keys = tuple(ApiKey(key=SecretStr(f"key-of-{tenant}"), tenant=tenant, roles=("ask", "ingest", "operate")) for tenant in ("a", "b"))
    await fleet.worker()
    api = await fleet.api(api_keys=keys)
    tenants = Tenants(*(Api(api.child, api.url, {"X-API-Key": f"key-of-{tenant}"}) for tenant in ("a", "b")))
    yield tenants
    for one in tenants:
        await one.http.aclose()


async def indexed(api: Api, text: str) -> None:
    """Hand in the document that both tenants call `leave`, and wait for it."""
    await api.post("/v1/documents", {"document_id": "leave", "text": text})
    async with asyncio.timeout(60):
        while (await api.http.get("/v1/documents/leave")).json()["status"] != "indexed":
            await asyncio.sleep(0.1)


async def found(api: Api) -> tuple[str, list[str]]:
    """How a question of the tenant's own ends, and the texts that were found for it."""
    session = await api.session()
    frames = await api.frames(session, query=(await api.ask(session, QUESTION))["query_id"])
    texts = [chunk["text"] for frame in frames if frame.type == "ChunksRetrieved" for chunk in frame.event["chunks"]]
    return frames[-1].event["text"], texts


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_another_tenants_session_is_not_there(tenants: Tenants, placement: str) -> None:
    """Whatever is asked of it: 404, as for a session that nobody has; and its owner's records stay."""
    session = await tenants.a.session(placement)
    asked = await tenants.a.ask(session, QUESTION)
    base, http = f"/v1/sessions/{session}", tenants.b.http
    refused = [
        await http.post(f"{base}/queries", json={"text": QUESTION}),
        await http.post(f"{base}/queries/{asked['query_id']}/cancel"),
        await http.post(f"{base}/feedback", json={"query_id": asked["query_id"], "thumb": "up"}),
        await http.get(f"{base}/events"),
        await http.get(f"{base}/events", params={"after": "latest", "wait": 0}),
        await http.get(f"{base}/history"),
    ]

    assert [404] * len(refused) == [response.status_code for response in refused]
    assert (await http.delete(base)).status_code in (204, 404)  # it may be repeated, so a topic that is not there is no error
    assert (await tenants.a.answer(session, asked))["type"] in ("AnswerCompleted", "AnswerFailed")
    assert {asked["query_id"]} == {frame.event["query_id"] for frame in await tenants.a.history(session)}


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_another_tenants_cursor_is_refused(tenants: Tenants, placement: str) -> None:
    """403 at a session of the reader's own, however it is shown; each tenant's own is taken."""
    sessions = [await api.session(placement) for api in tenants]
    cursors = [(await api.ask(session, QUESTION))["cursor"] for api, session in zip(tenants, sessions, strict=True)]
    base, http = f"/v1/sessions/{sessions[1]}", tenants.b.http
    refused = [
        await http.get(f"{base}/events", params={"after": cursors[0]}),
        await http.get(f"{base}/events", headers={"Last-Event-ID": cursors[0]}),
        await http.get(f"{base}/events", params={"after": cursors[0], "wait": 0}),
        await http.get(f"{base}/history", params={"after": cursors[0]}),
    ]

    assert [403] * len(refused) == [response.status_code for response in refused]
    assert (await http.get(f"/v1/sessions/{sessions[0]}/events", params={"after": cursors[0]})).status_code in (403, 404)
    assert 200 == (await http.get(f"{base}/history", params={"after": cursors[1]})).status_code


async def test_documents_of_one_id_stay_apart(tenants: Tenants) -> None:
    """Each tenant finds its own and nothing else; taking one away, or its status, is nothing to the other."""
    for api, text in zip(tenants, TEXTS.values(), strict=True):
        await indexed(api, text)
    answers, texts = zip(*[await found(api) for api in tenants], strict=True)

    assert [["bakery" in found[0], "shipyard" in found[0], len(found)] for found in texts] == [[True, False, 1], [False, True, 1]]
    assert ["twelve" in answers[0], "thirty" in answers[0], "twelve" in answers[1], "thirty" in answers[1]] == [True, False, False, True]

    await tenants.b.http.delete("/v1/documents/leave")
    async with asyncio.timeout(60):
        while (await tenants.b.http.get("/v1/documents/leave")).json()["status"] != "removed":
            await asyncio.sleep(0.1)

    assert "indexed" == (await tenants.a.http.get("/v1/documents/leave")).json()["status"]
    assert (answers[0], texts[0]) == await found(tenants.a)
    assert [] == (await found(tenants.b))[1]
