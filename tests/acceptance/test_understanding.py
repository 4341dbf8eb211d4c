"""What a question means, and which documents it may find, through real processes: wherever the session lives, whichever process is asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.conftest import Running
from tests.acceptance.fleet import Api, Frame


async def found(api: Api, session: str, accepted: dict[str, Any]) -> tuple[Frame, Frame]:
    """What was found for a question, and how its answer ended."""
    frames = await api.frames(session, after=accepted["cursor"], query=accepted["query_id"])
    return next(frame for frame in frames if frame.type == "ChunksRetrieved"), frames[-1]


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_a_follow_up_is_made_whole_from_the_session(running: Running, placement: str) -> None:
    """From what Kafka holds of it, with other sessions in the same lane; the event names what it follows."""
    session, other = await running.one.session(placement), await running.one.session(placement)
    first = await running.one.ask(session, "What is consumer lag?")
    await found(running.one, session, first)
    await found(running.one, other, await running.one.ask(other, "What is a tombstone?"))
    chunks, end = await found(running.two, session, await running.two.ask(session, "Thanks. And how do I measure it?"))

    understanding = chunks.event["understanding"]
    assert ("follow-up", "how do I measure consumer lag?", [first["query_id"]]) == tuple(
        understanding[name] for name in ("intent", "text", "follows")
    )
    assert any("lag" in chunk["source"] for chunk in chunks.event["chunks"][:2])
    assert end.event["answered"]


async def test_a_greeting_is_answered_without_documents(running: Running) -> None:
    """By the platform, through the same records as any answer."""
    session = await running.one.session()
    chunks, end = await found(running.one, session, await running.one.ask(session, "Good morning!"))

    assert ([], "greeting") == (chunks.event["chunks"], chunks.event["understanding"]["intent"])
    assert (False, [], "canned") == tuple(end.event[name] for name in ("answered", "citations", "model"))


async def test_a_filter_keeps_other_documents_out(running: Running) -> None:
    """From the body of a POST to the chunks that are found."""
    session = await running.one.session()
    chunks, _ = await found(running.one, session, await running.one.ask(session, "How are records kept?"))
    source = chunks.event["chunks"][-1]["source"]
    body = {"text": "How are records kept?", "filters": {"sources": [source]}}
    only, _ = await found(running.one, session, await running.one.post(f"/v1/sessions/{session}/queries", body))
    late = {"text": "How are records kept?", "filters": {"until": "2001-01-01T00:00:00Z"}}
    nothing, end = await found(running.one, session, await running.one.post(f"/v1/sessions/{session}/queries", late))

    assert {source} == {chunk["source"] for chunk in only.event["chunks"]}
    assert ([], False) == (nothing.event["chunks"], end.event["answered"])
