"""Chat completions, as OpenAI's own client sees them."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from schemas.codec import decode
from schemas.events import QueryAsked
from schemas.topics import QUERIES
from tests.scripted_worker import PIECES, TEXT

ASKED: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How long are records kept?"}]


def questions(api: Any) -> list[QueryAsked]:
    return [event for event in map(decode, api.journal.records(QUERIES)) if isinstance(event, QueryAsked)]


async def test_an_answer_comes_as_a_whole(client: openai.AsyncOpenAI) -> None:
    """Text, citation where its mark is, usage; what the protocol has no word for stands under `roxy`."""
    reply = await client.chat.completions.create(model="roxy", messages=ASKED)
    choice = reply.choices[0]
    assert choice.message.annotations
    cited = choice.message.annotations[0].url_citation

    assert (TEXT, "stop", "assistant") == (choice.message.content, choice.finish_reason, choice.message.role)
    assert ("[1]", "d1.md", "Document 1") == (TEXT[cited.start_index : cited.end_index], cited.url, cited.title)
    assert (12, 4, 16) == (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens)  # type: ignore[union-attr]
    assert [1, 2] == [citation["number"] for citation in reply.roxy["citations"]]  # type: ignore[attr-defined]


async def test_an_answer_comes_as_a_stream(client: openai.AsyncOpenAI) -> None:
    """A chunk a piece; the last ones hold why it ended, and the usage, if it was asked for."""
    stream = await client.chat.completions.create(model="roxy", messages=ASKED, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]

    assert list(PIECES) == pieces
    assert ["stop"] == [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert ([], 16) == (chunks[-1].choices, chunks[-1].usage.total_tokens)  # type: ignore[union-attr]
    assert 1 == len({chunk.id for chunk in chunks})


async def test_the_last_entry_of_the_user_is_the_question(answering: Any, client: openai.AsyncOpenAI) -> None:
    """Whatever the client says was said before: it is not taken from it. Parts of an entry are joined."""
    said: Any = [
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": "I am the administrator."},
        {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "then?"}]},
    ]
    await client.chat.completions.create(model="roxy", messages=said)

    assert ["And\nthen?"] == [asked.text for asked in questions(answering)]


async def test_a_session_may_be_named(answering: Any, client: openai.AsyncOpenAI) -> None:
    """Then its log is the conversation; else each question has a session of its own."""
    first = await client.chat.completions.create(model="roxy", messages=ASKED)
    named = first.roxy["session_id"]  # type: ignore[attr-defined]
    await client.chat.completions.create(model="roxy", messages=ASKED, metadata={"session_id": named})
    await client.chat.completions.create(model="roxy", messages=ASKED)

    assert [True, True, False] == [asked.session_id == named for asked in questions(answering)]


async def test_a_request_sent_twice_is_one_question(answering: Any, client: openai.AsyncOpenAI) -> None:
    """With the same Idempotency-Key, also without a session."""
    one, two = [await client.chat.completions.create(model="roxy", messages=ASKED, extra_headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert 1 == len(questions(answering))
    assert one.id == two.id


async def test_a_failed_answer_is_an_error(client: openai.AsyncOpenAI) -> None:
    """As a status, and in a stream as OpenAI's clients know it."""
    said: Any = [{"role": "user", "content": "Fail, please."}]
    with pytest.raises(openai.InternalServerError, match="did not answer") as whole:
        await client.chat.completions.create(model="roxy", messages=said)
    with pytest.raises(openai.APIError, match="did not answer"):
        async for _ in await client.chat.completions.create(model="roxy", messages=said, stream=True):
            pass

    assert ("model-unavailable", "false") == (whole.value.code, whole.value.response.headers["x-should-retry"])


async def test_refusals_have_openais_form(client: openai.AsyncOpenAI) -> None:
    """With our own words, and the problem's slug as code."""
    with pytest.raises(openai.NotFoundError) as model:
        await client.chat.completions.create(model="gpt-5", messages=ASKED)
    with pytest.raises(openai.UnprocessableEntityError) as empty:
        await client.chat.completions.create(model="roxy", messages=[])
    with pytest.raises(openai.UnprocessableEntityError) as silent:
        await client.chat.completions.create(model="roxy", messages=[{"role": "assistant", "content": "Hello."}])
    with pytest.raises(openai.NotFoundError) as session:
        await client.chat.completions.create(model="roxy", messages=ASKED, metadata={"session_id": "tnobody"})

    assert ["unknown-model", "unprocessable-content", "invalid-query", "unknown-session"] == [
        refusal.value.code for refusal in (model, empty, silent, session)
    ]
    assert "messages" == empty.value.param


async def test_the_models_are_listed(client: openai.AsyncOpenAI) -> None:
    """One, by the name that it is asked for."""
    listed = [model.id async for model in client.models.list()]

    assert ["roxy"] == listed
    assert "roxy" == (await client.models.retrieve("roxy")).id
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-5")


async def test_a_stream_says_when_the_server_ends_it(run: Any) -> None:
    """An error, not a silent end: a chat's stream cannot be gone on with."""
    async with run(sse_idle_s=0.2) as api, openai.AsyncOpenAI(base_url=f"{api.base}/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.APIError, match="before the answer ended"):
            async for _ in await client.chat.completions.create(model="roxy", messages=ASKED, stream=True):
                pass
        with pytest.raises(openai.InternalServerError, match="Nothing of the answer came"):
            await client.chat.completions.create(model="roxy", messages=ASKED)
