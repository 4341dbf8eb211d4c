"""The AI SDK's chat over HTTP. Its own client reads it in tests/acceptance/test_protocols.py."""

from __future__ import annotations

from typing import Any

import orjson

from schemas.codec import decode
from schemas.events import QueryAsked
from schemas.session_id import Session
from schemas.topics import QUERIES
from tests.scripted_worker import PIECES, cancelled


def asked(text: str, chat: str = "Ab-1_z") -> dict[str, Any]:
    """What the default transport posts."""
    said = [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": text}]}]
    return {"id": chat, "messages": said, "trigger": "submit-message"}


def parts_of(content: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line[6:]) for line in content.splitlines() if line.startswith(b"data: {")]


async def test_a_chats_stream_holds_the_answers_parts(answering: Any) -> None:
    """Under the header by which the SDK knows the protocol; what was retrieved, the text, what it cites, and the end."""
    reply = await answering.client.post("/api/chat", json=asked("How long?"))
    parts = parts_of(reply.content)

    assert ("v1", "text/event-stream; charset=utf-8") == (reply.headers["x-vercel-ai-ui-message-stream"], reply.headers["content-type"])
    assert ["start", "start-step", "data-chunks", "text-start", *["text-delta"] * 4] == [part["type"] for part in parts[:8]]
    assert ["text-end", "source-document", "source-document", "finish-step", "finish"] == [part["type"] for part in parts[8:]]
    assert list(PIECES) == [part["delta"] for part in parts if part["type"] == "text-delta"]
    assert reply.content.endswith(b"data: [DONE]\n\n")


async def test_a_chat_is_one_session(answering: Any) -> None:
    """Whose id is made from the chat's."""
    for text in ("How long?", "And then?"):
        await answering.client.post("/api/chat", json=asked(text))
    events = [decode(record) for record in answering.journal.records(QUERIES)]

    assert [("tAb-1_z", "How long?"), ("tAb-1_z", "And then?")] == [
        (event.session_id, event.text) for event in events if isinstance(event, QueryAsked)
    ]


async def test_a_chat_is_resumed_while_its_answer_is_made(run: Any, answering: Any) -> None:
    """At any process, from its beginning, to the byte; then there is nothing to resume."""
    async with answering.client.stream("POST", "/api/chat", json=asked("Wait.")) as reply:
        lines = reply.aiter_lines()
        while PIECES[1] not in await anext(lines):
            pass
    question = decode(answering.journal.records(QUERIES)[0])
    assert isinstance(question, QueryAsked)
    await answering.open_streams(0)
    async with run() as other, other.client.stream("GET", "/api/chat/Ab-1_z/stream") as resumed:
        lines = resumed.aiter_lines()
        while PIECES[1] not in await anext(lines):
            pass
        await answering.write("tAb-1_z", [cancelled(question)])
        ended = [line async for line in lines]

        await answering.write("tAb-1_z", [question])  # once more, by a worker that was late

    assert any('"abort"' in line for line in ended)
    assert 204 == (await answering.client.get("/api/chat/Ab-1_z/stream")).status_code


async def test_nothing_is_active_in_a_chat_that_is_new(answering: Any) -> None:
    """A page asks before it has said anything."""
    assert 204 == (await answering.client.get("/api/chat/new/stream")).status_code


async def test_a_chat_without_a_question_is_refused(answering: Any) -> None:
    """As is a chat whose id could be no session's. Nothing is made."""
    silent = await answering.client.post("/api/chat", json=asked(" "))
    odd = await answering.client.post("/api/chat", json=asked("How long?", chat="a/b"))

    assert [422, 422] == [silent.status_code, odd.status_code]
    assert "urn:roxy:problem:invalid-query" == silent.json()["type"]
    assert not await answering.log.exists(Session("default", "tAb-1_z"))
