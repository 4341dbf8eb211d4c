"""Responses, as OpenAI's own client sees them."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from schemas.codec import decode
from schemas.cursor import CursorSigner
from schemas.events import QueryCancelled
from schemas.response_id import place_of
from schemas.session_id import Session
from schemas.topics import QUERIES
from tests.scripted_worker import PIECES, TEXT, cancelled

QUESTION = "How long are records kept?"


async def test_a_response_comes_as_a_whole(client: openai.AsyncOpenAI) -> None:
    """Text, citations where their marks are, usage, and the session as its conversation."""
    response = await client.responses.create(model="roxy", input=QUESTION)
    cited: Any = response.output[0].content[0].annotations[0]  # type: ignore[union-attr]

    assert ("completed", TEXT) == (response.status, response.output_text)
    assert ("file_citation", "d1", "d1.md", "d1#0", "[1]") == (
        cited.type,
        cited.file_id,
        cited.filename,
        cited.chunk_id,
        TEXT[cited.index : cited.index + 3],
    )
    assert 16 == response.usage.total_tokens  # type: ignore[union-attr]


async def test_a_response_comes_as_a_stream(client: openai.AsyncOpenAI) -> None:
    """The events of the protocol, numbered without holes; the last one holds the whole response."""
    events = [event async for event in await client.responses.create(model="roxy", input=QUESTION, stream=True)]
    kinds = [event.type.removeprefix("response.") for event in events]

    assert ["created", "queued", "in_progress", "output_item.added", "content_part.added"] == kinds[:5]
    assert ["output_text.delta"] * len(PIECES) == kinds[5:9]
    assert ["output_text.annotation.added", "output_text.done", "content_part.done", "output_item.done", "completed"] == kinds[9:]
    assert list(range(len(events))) == [event.sequence_number for event in events]
    assert TEXT == events[-1].response.output_text  # type: ignore[union-attr]


async def test_the_clients_own_accumulation_agrees(client: openai.AsyncOpenAI) -> None:
    """What it puts together from the events is the response."""
    async with client.responses.stream(model="roxy", input=QUESTION) as stream:
        final = await stream.get_final_response()

    assert TEXT == final.output_text


async def test_a_stream_goes_on_behind_any_number_at_any_process(run: Any, answering: Any, client: openai.AsyncOpenAI) -> None:
    """And is the same to the byte: two processes share nothing but the log and the secret."""
    response = await client.responses.create(model="roxy", input=QUESTION, background=True)
    url = f"/v1/responses/{response.id}"
    whole = await answering.client.get(url, params={"stream": "true"})
    numbered = [b"event: " + frame for frame in whole.content.split(b"event: ")[1:]]
    async with run() as other:
        for number in range(-1, len(numbered)):
            rest = await other.client.get(url, params={"stream": "true", "starting_after": number})

            assert b"".join(numbered[number + 1 :]) == rest.content


async def test_a_background_response_is_fetched_later(client: openai.AsyncOpenAI) -> None:
    """It is queued at first; its id is good for a look and for a stream."""
    queued = await client.responses.create(model="roxy", input=QUESTION, background=True)
    events = [event async for event in await client.responses.retrieve(queued.id, stream=True, starting_after=4)]
    response = await client.responses.retrieve(queued.id)

    assert ("queued", "completed", TEXT) == (queued.status, response.status, response.output_text)
    assert [*PIECES] == [event.delta for event in events if event.type == "response.output_text.delta"]
    assert response.model_dump() == events[-1].response.model_dump()  # type: ignore[union-attr]


async def test_a_response_can_be_looked_at_while_it_is_made(answering: Any, client: openai.AsyncOpenAI) -> None:
    """With what there is of its text; and stopped: then that is all."""
    begun = await client.responses.create(model="roxy", input="Wait.", background=True)
    async with await client.responses.retrieve(begun.id, stream=True) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta" and event.delta == PIECES[1]:
                break
    now = await client.responses.retrieve(begun.id)
    stopped = await client.responses.cancel(begun.id)
    events = [event.type async for event in await client.responses.retrieve(begun.id, stream=True)]

    assert ("in_progress", PIECES[0] + PIECES[1]) == (now.status, now.output_text)
    assert ("cancelled", PIECES[0] + PIECES[1]) == (stopped.status, stopped.output_text)
    assert "response.incomplete" == events[-1]
    assert isinstance(decode(answering.journal.records(QUERIES)[-1]), QueryCancelled)


async def test_a_disconnect_cancels_nothing(answering: Any, client: openai.AsyncOpenAI) -> None:
    """Only the route does."""
    async with await client.responses.create(model="roxy", input="Wait.", stream=True) as stream:
        first = await anext(aiter(stream))
    await answering.open_streams(0)
    place = place_of(first.response.id, CursorSigner(b"s"), tenant="default")  # type: ignore[union-attr]
    await answering.write(place.session.id, [cancelled(decode(answering.journal.records(QUERIES)[0]))])  # type: ignore[arg-type]

    assert 1 == len(answering.journal.records(QUERIES))


async def test_a_conversation_is_a_session(client: openai.AsyncOpenAI) -> None:
    """Named by the response before, or by its own id; not by both."""
    first = await client.responses.create(model="roxy", input=QUESTION)
    second = await client.responses.create(model="roxy", input="Why?", previous_response_id=first.id)
    third = await client.responses.create(model="roxy", input=[{"role": "user", "content": "Why?"}], conversation=first.conversation.id)  # type: ignore[union-attr]
    with pytest.raises(openai.UnprocessableEntityError, match="not both"):
        await client.responses.create(model="roxy", input="Why?", previous_response_id=first.id, conversation="t1")

    assert 1 == len({response.conversation.id for response in (first, second, third)})  # type: ignore[union-attr]


async def test_a_failed_response_says_why(client: openai.AsyncOpenAI) -> None:
    """As a response with an error, which is how this protocol has it."""
    response = await client.responses.create(model="roxy", input="Fail, please.")

    assert ("failed", "server_error") == (response.status, response.error.code)  # type: ignore[union-attr]
    assert "The language model did not answer. Try again. (model-unavailable)" == response.error.message  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "change", [lambda text: text[:-2], lambda text: text[:30] + "AAAA" + text[34:], lambda text: "resp_é", lambda text: "nothing"]
)
async def test_what_is_no_response_id_is_not_found(client: openai.AsyncOpenAI, change: Any) -> None:
    """Cut, forged, or made up."""
    response = await client.responses.create(model="roxy", input=QUESTION)
    with pytest.raises(openai.NotFoundError) as refused:
        await client.responses.retrieve(change(response.id))

    assert "unknown-response" == refused.value.code


async def test_a_response_of_another_tenant_is_not_found(client: openai.AsyncOpenAI) -> None:
    """Its id is signed for its own."""
    response = await client.responses.create(model="roxy", input=QUESTION)
    signer = CursorSigner(b"s")

    assert Session("default", response.conversation.id) == place_of(response.id, signer, tenant="default").session  # type: ignore[union-attr]
    with pytest.raises(Exception, match="No response has this id"):
        place_of(response.id, signer, tenant="acme")
