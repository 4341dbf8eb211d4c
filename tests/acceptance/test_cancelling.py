"""What stops an answer, and what does not: its cancellation at any API process; nobody's leaving; nobody's reading, where that is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
import pytest

from schemas.events import TERMINAL
from schemas.settings import Settings
from tests.acceptance.fleet import ANSWER_S, Api, Fleet, Frame
from tests.acceptance.watching import ask_watched, assert_one_whole_answer
from tests.contract.model_servers import OLLAMA, OPENAI, Dialect, Reply, serving

MODEL = "scripted:" + orjson.dumps({"tokens": 160, "per_token_s": 0.05}).decode()
_UNREAD_MIN = 0.04  # 2.4 s, of answers that take 8 s


@pytest.fixture
async def kept(settings: Settings) -> AsyncIterator[Fleet]:
    """Processes that give no answer a second time and refuse none."""
    fleet = Fleet(settings.model_copy(update={"answer_cache": False, "refusals": False}))
    yield fleet
    await fleet.close()


async def speaking(reply: Reply) -> None:
    """A model that speaks until its client hangs up."""
    with suppress(ConnectionError):  # that its client has gone, the server sees by itself
        await reply.begin()
        while True:
            await reply.send(reply.dialect.token("word "))
            await asyncio.sleep(0.02)
    await asyncio.Event().wait()


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI], ids=lambda dialect: dialect.backend)
async def test_a_cancelled_answers_model_is_hung_up_on(kept: Fleet, dialect: Dialect) -> None:
    """Cancelled at an API process that did not take the question: the reader is told, and the model's server sees its client go."""
    question = f"What does {dialect.backend} say now?"
    async with serving(dialect, speaking) as server:
        addresses = {"ollama_url": f"http://127.0.0.1:{server.port}", "openai_url": f"http://127.0.0.1:{server.port}/v1"}
        await kept.worker(language_model=f"{dialect.backend}:small", **addresses)
        one, two = await kept.api(), await kept.api()
        watch = await ask_watched(one, question)
        while len(watch.texts) < 5:
            await asyncio.sleep(0.05)

        await two.post(f"/v1/sessions/{watch.session}/queries/{watch.accepted['query_id']}/cancel", {})
        await watch.task
        async with asyncio.timeout(ANSWER_S):
            await server.hung_up.wait()

    assert (["AnswerCancelled"], []) == ([frame.type for frame in watch.ends], watch.wrong)
    assert (1, len(watch.texts)) == (server.requests(question), watch.end["tokens_end"])


async def test_a_client_that_leaves_cancels_nothing(kept: Fleet) -> None:
    """Of every protocol: the connection is cut in the middle, and the answer goes on to its end."""
    await kept.worker(language_model=MODEL)
    api = await kept.api()
    native, chat, page = await api.session(), await api.session(), "page1"
    accepted = await api.ask(native, "What now?")
    await api.frames(native, after=accepted["cursor"], query=accepted["query_id"], most=6)
    said = {"role": "user", "content": "What now?"}
    await leave(api, "/v1/chat/completions", {"model": "roxy", "messages": [said], "stream": True, "metadata": {"session_id": chat}})
    await leave(api, "/api/chat", {"id": page, "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "What now?"}]}]})

    assert ["AnswerCompleted"] * 3 == [(await ended(api, session)).type for session in (native, chat, f"t{page}")]


async def leave(api: Api, path: str, body: dict[str, Any]) -> None:
    """Ask with a stream, and cut the connection in the middle."""
    async with api.http.stream("POST", path, json=body) as response:
        assert response.status_code == 200, await response.aread()
        lines = response.aiter_lines()
        for _ in range(12):
            await anext(lines)


async def test_only_answers_that_nobody_reads_are_cancelled(kept: Fleet) -> None:
    """By ROXY_UNREAD_CANCEL_MIN: whoever watches a stream, or polls, at any process, has his answer; nobody's ends, and says why."""
    await kept.worker(language_model=MODEL, unread_cancel_min=_UNREAD_MIN)
    one, two = await kept.api(unread_cancel_min=_UNREAD_MIN), await kept.api(unread_cancel_min=_UNREAD_MIN)
    unread, polled = await one.session(), await one.session("lane")
    watch = await ask_watched(one, "What now?")
    accepted = await one.ask(polled, "What now?")
    await one.ask(unread, "What now?")

    text, stopped = await asyncio.gather(polled_text(two, polled, accepted), ended(two, unread))
    await watch.task

    assert ("AnswerCancelled", "no-readers") == (stopped.type, stopped.event["cancelled_by"])
    assert stopped.event["tokens_end"] < 160
    assert 160 <= len(text.split())
    assert_one_whole_answer(watch, text)


async def polled_text(api: Api, session: str, accepted: dict[str, Any]) -> str:
    """The answer's text as a client without streams reads it."""
    cursor, texts, ended = accepted["cursor"], list[str](), False
    while not ended:
        params = {"after": cursor, "query": accepted["query_id"], "wait": 1}
        page = (await api.http.get(f"/v1/sessions/{session}/events", params=params, headers={"Accept": "application/json"})).json()
        cursor, ended = page["cursor"], page["ended"]
        texts += [one["event"]["text"] for one in page["records"] if one["type"] == "TokensGenerated"]
        await asyncio.sleep(0.1)
    return "".join(texts)


async def ended(api: Api, session: str) -> Frame:
    """The session's first terminal record, looked for without being a reader."""
    async with asyncio.timeout(ANSWER_S):
        while True:
            ends = [frame for frame in await api.history(session) if frame.type in TERMINAL]
            if ends:
                return ends[0]
            await asyncio.sleep(0.2)
