"""MCP's tools, as the official client calls them over HTTP."""

from __future__ import annotations

import importlib.util
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr

from schemas.codec import decode
from schemas.settings import ApiKey
from schemas.topics import QUERIES
from tests.scripted_worker import PIECES, TEXT, working


async def test_the_tools_are_listed(answering: Any) -> None:
    """With what they take and what they give."""
    async with Client(f"{answering.base}/mcp") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}

    assert {"ask", "search"} == set(tools)
    assert {"question", "session_id"} == set(tools["ask"].input_schema["properties"])
    assert {"answer", "answered", "citations", "cached", "session_id", "query_id"} == set((tools["ask"].output_schema or {})["properties"])


async def test_ask_returns_the_cited_answer(answering: Any) -> None:
    """Structured; its pieces come before it as progress."""
    pieces: list[str | None] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        pieces.append(message)

    async with Client(f"{answering.base}/mcp") as client:
        result = await client.call_tool("ask", {"question": "How long are records kept?"}, progress_callback=on_progress)
    answer: Any = result.structured_content

    assert (TEXT, True, [1, 2]) == (answer["answer"], answer["answered"], [citation["number"] for citation in answer["citations"]])
    assert list(PIECES) == pieces


async def test_search_returns_chunks_and_stops_the_answer(answering: Any) -> None:
    """Nobody waits for it."""
    async with Client(f"{answering.base}/mcp") as client:
        result = await client.call_tool("search", {"question": "Wait.", "limit": 1})
    found: Any = result.structured_content

    assert ["d1#0"] == [chunk["chunk_id"] for chunk in found["chunks"]]
    assert ["QueryAsked", "QueryCancelled"] == [decode(record).type for record in answering.journal.records(QUERIES)]


async def test_a_question_may_lean_on_one_before_it(answering: Any) -> None:
    """In a session that the client names."""
    async with Client(f"{answering.base}/mcp") as client:
        first: Any = (await client.call_tool("ask", {"question": "How long?"})).structured_content
        second: Any = (await client.call_tool("ask", {"question": "Why?", "session_id": first["session_id"]})).structured_content

    assert first["session_id"] == second["session_id"]


@pytest.mark.parametrize(("question", "words"), [("Fail, please.", "did not answer"), (" ", "no question")])
async def test_what_fails_is_a_tools_error(answering: Any, question: str, words: str) -> None:
    """In words that the model reads."""
    async with Client(f"{answering.base}/mcp") as client:
        result = await client.call_tool("ask", {"question": question})

    assert result.is_error
    assert words in str(result.content)


async def test_a_key_is_needed_as_everywhere(run: Any) -> None:
    """And its tenant's session is asked in."""
    keys = (ApiKey(key=SecretStr("key"), tenant="acme"), ApiKey(key=SecretStr("other"), roles=("ingest",)))
    async with run(api_keys=keys) as api, working(api.journal, api.log):
        nobody = await api.client.post("/mcp", json={})
        not_asking = await api.client.post("/mcp", json={}, headers={"X-API-Key": "other"})
        async with (
            httpx2.AsyncClient(headers={"Authorization": "Bearer key"}, trust_env=False) as http,
            Client(streamable_http_client(f"{api.base}/mcp", http_client=http)) as client,
        ):
            await client.call_tool("ask", {"question": "How long?"})

    assert [401, 403] == [nobody.status_code, not_asking.status_code]
    assert "acme" == decode(api.journal.records(QUERIES)[0]).tenant


async def test_only_posts_are_taken(answering: Any) -> None:
    """No stream is open that nobody asked a question on: it would hold up a drain."""
    refused = await answering.client.get("/mcp")

    assert (405, "POST") == (refused.status_code, refused.headers["allow"])


async def test_without_the_package_the_path_is_not_there(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else is."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    async with run() as api:
        assert 404 == (await api.client.post("/mcp", json={})).status_code
        assert 200 == (await api.client.get("/v1/models")).status_code
