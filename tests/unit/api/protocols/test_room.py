"""Whoever asks and reads the answer in one request needs room for both: the room to read is asked for before the question is written."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from schemas.topics import QUERIES
from tests.scripted_worker import working
from tests.unit.api.conftest import until

_CHAT = {"model": "roxy", "messages": [{"role": "user", "content": "Why?"}]}
_RESPONSE = {"model": "roxy", "input": "Why?"}
_PAGE = {"id": "Ab-1", "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Why?"}]}], "trigger": "submit-message"}
_CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": "Why?"}}}
_MCP = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}

_DOORS = {
    "chat": ("/v1/chat/completions", _CHAT),
    "streamed-chat": ("/v1/chat/completions", {**_CHAT, "stream": True}),
    "response": ("/v1/responses", _RESPONSE),
    "streamed-response": ("/v1/responses", {**_RESPONSE, "stream": True}),
    "streamed-in-background": ("/v1/responses", {**_RESPONSE, "stream": True, "background": True}),
    "page": ("/api/chat", _PAGE),
}


@pytest.mark.parametrize("most", ["sse_max", "sse_max_per_principal"])
@pytest.mark.parametrize("door", _DOORS)
async def test_a_question_whose_answer_cannot_be_read_is_not_written(run: Any, door: str, most: str) -> None:
    """Nor is a session made for it. A client that tries again without a key would else ask anew each time."""
    path, body = _DOORS[door]
    async with run(**{most: 1}) as api:
        async with api.stream((await api.session())["session_id"]):
            sessions = {*api.log._topics}
            refused = await api.client.post(path, json=body)

        assert {"sse_max": 503, "sse_max_per_principal": 429}[most] == refused.status_code
        assert ([], sessions) == (api.journal.records(QUERIES), {*api.log._topics})


async def test_a_tool_that_is_called_asks_for_room_too(run: Any) -> None:
    """MCP says in the result that it was refused."""
    async with run(sse_max=1) as api, api.stream((await api.session())["session_id"]):
        refused = await api.client.post("/mcp", json=_CALL, headers=_MCP)

        assert "Too many streams are open." in refused.text
        assert [] == api.journal.records(QUERIES)


async def test_who_asks_in_the_background_needs_no_room_to_read(run: Any) -> None:
    """The answer is fetched later."""
    async with run(sse_max=1) as api, api.stream((await api.session())["session_id"]):
        reply = await api.client.post("/v1/responses", json={**_RESPONSE, "background": True})

        assert (200, 1) == (reply.status_code, len(api.journal.records(QUERIES)))


async def test_the_room_is_kept_while_the_question_is_written(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all who come in these milliseconds would find the same room."""
    async with run(sse_max=1) as api, working(api.journal, api.log):
        written, append = asyncio.Event(), api.journal.append

        async def slowly(*args: Any) -> Any:
            await written.wait()
            return await append(*args)

        monkeypatch.setattr(api.journal, "append", slowly)
        asking: list[asyncio.Task[httpx2.Response]] = [asyncio.create_task(api.client.post("/v1/chat/completions", json=_CHAT)) for _ in range(3)]
        await until(lambda: sum(each.done() for each in asking) == 2)
        written.set()
        replies = await asyncio.gather(*asking)

        assert [200, 503, 503] == sorted(reply.status_code for reply in replies)
        assert 1 == len(api.journal.records(QUERIES))


async def test_a_chat_that_is_refused_is_not_made(run: Any) -> None:
    """It would cost a topic; in one that is there, nothing is made."""
    async with run(max_unanswered=1) as api:
        session = (await api.session())["session_id"]
        await api.client.post(f"/v1/sessions/{session}/queries", json={"text": "Why?"})
        sessions = {*api.log._topics}
        refused = await api.client.post("/api/chat", json=_PAGE)

        assert (503, sessions) == (refused.status_code, {*api.log._topics})


async def test_who_stops_a_response_without_room_to_wait_is_told_how_it_is_now(run: Any) -> None:
    """The cancellation is written by then."""
    async with run(sse_max_per_principal=1) as api, api.stream((await api.session())["session_id"]):
        response = (await api.client.post("/v1/responses", json={**_RESPONSE, "background": True})).json()
        stopped = await api.client.post(f"/v1/responses/{response['id']}/cancel")

        assert (200, response["id"]) == (stopped.status_code, stopped.json()["id"])
