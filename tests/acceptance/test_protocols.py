"""Other protocols' own clients against real processes: the same answer by each, streamed, cut, and resumed elsewhere."""

from __future__ import annotations

from typing import Any

import openai
from mcp import Client

from tests.acceptance.conftest import Running
from tests.acceptance.fleet import Api

QUESTION = "What is a dead letter?"
_PATIENCE_S = 90.0


def openai_at(api: Api) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{api.url}/v1", api_key="none", max_retries=0, timeout=_PATIENCE_S)


async def events_of(stream: Any, most: int | None = None) -> list[Any]:
    """The stream's events, to its end or until so many have come; then the connection is cut."""
    events: list[Any] = []
    async with stream:
        async for event in stream:
            events.append(event)
            if most is not None and len(events) >= most:
                break
    return events


async def test_every_protocol_gives_the_same_answer(running: Running) -> None:
    """It is rendered from the same records, at whichever API process."""
    session = await running.one.session()
    expected = (await running.one.answer(session, await running.one.ask(session, QUESTION)))["text"]
    said: Any = [{"role": "user", "content": QUESTION}]
    async with openai_at(running.one) as one, openai_at(running.two) as two, Client(f"{running.two.url}/mcp") as tools:
        whole = await one.chat.completions.create(model="roxy", messages=said)
        chunks = [chunk async for chunk in await two.chat.completions.create(model="roxy", messages=said, stream=True)]
        response = await two.responses.create(model="roxy", input=QUESTION)
        told: Any = (await tools.call_tool("ask", {"question": QUESTION})).structured_content
        found: Any = (await tools.call_tool("search", {"question": QUESTION})).structured_content

    assert expected == whole.choices[0].message.content
    assert expected == "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert expected == response.output_text
    assert expected == told["answer"]
    assert whole.choices[0].message.annotations
    assert {citation["chunk_id"] for citation in told["citations"]} <= {chunk["chunk_id"] for chunk in found["chunks"]}


async def test_a_response_goes_on_at_another_process_wherever_it_was_cut(running: Running) -> None:
    """For every k up to its length: k events at one, the others at two; together they are the whole stream."""
    async with openai_at(running.one) as one, openai_at(running.two) as two:
        response = await one.responses.create(model="roxy", input=QUESTION, background=True)
        whole = await events_of(await one.responses.retrieve(response.id, stream=True))
        for k in range(1, len(whole)):
            begun = await events_of(await one.responses.retrieve(response.id, stream=True), most=k)
            rest = await events_of(await two.responses.retrieve(response.id, stream=True, starting_after=begun[-1].sequence_number))

            assert whole == begun + rest
