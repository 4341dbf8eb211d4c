"""What becomes of an answer when its model's server fails: every fault is an error of ours, within its time, and the connection is closed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from email.utils import formatdate
from time import time

import pytest

from connectors.language_model.base import Finish, LanguageModel
from infra.ports import free_block
from schemas.errors import ModelRefused, ModelUnavailable
from tests.contract.model_servers import OPENAI, PROMPT, Behaviour, Dialect, Reply, answers, heard, serving


async def until_it_fails(model: LanguageModel) -> tuple[list[str | Finish], ModelUnavailable]:
    """What was said before."""
    parts: list[str | Finish] = []
    with pytest.raises(ModelUnavailable) as failed:
        await _collect(model, parts)
    return parts, failed.value


async def _collect(model: LanguageModel, parts: list[str | Finish]) -> None:
    """As they come: those before a failure are there."""
    async for part in model.stream(PROMPT):
        parts += [part]


async def is_silent(reply: Reply) -> None:
    await asyncio.Event().wait()


async def begins_and_is_silent(reply: Reply) -> None:
    await reply.say("")
    await is_silent(reply)


async def says_one_word(reply: Reply) -> None:
    await reply.say("Lag")
    await is_silent(reply)


async def never_ends(reply: Reply) -> None:
    await reply.say()
    while True:
        await reply.send(reply.dialect.token(" and"))
        await asyncio.sleep(0.01)


async def is_cut(reply: Reply) -> None:
    await reply.say("Lag", " is")


async def ends_too_early(reply: Reply) -> None:
    """Without a word that it is the end: HTTP alone does not tell it from a whole answer."""
    await reply.begin(chunked=False, Connection="close")
    await reply.send_bare(reply.dialect.token("Lag") + reply.dialect.token(" is"))


async def has_trouble(reply: Reply) -> None:
    await reply.say("Lag", " is")
    await reply.send(reply.dialect.trouble)
    await is_silent(reply)


def sends(data: bytes) -> Behaviour:
    async def behaviour(reply: Reply) -> None:
        await reply.say("Lag", " is")
        await reply.send(data)
        await reply.close()

    return behaviour


def refuses(status: int, **headers: str) -> Behaviour:
    return lambda reply: reply.refuse(status, **headers)


async def test_a_closed_stream_hangs_up(dialect: Dialect) -> None:
    """The server sees it, and can stop to compute."""
    async with serving(dialect, never_ends) as server, asyncio.timeout(10):
        async with aclosing(dialect.model(server.port).stream(PROMPT)) as stream:
            await anext(stream)
        await server.hung_up.wait()


async def test_a_cancelled_reader_hangs_up(dialect: Dialect) -> None:
    """Also one that waits for a token."""
    async with serving(dialect, says_one_word) as server, asyncio.timeout(10):
        reader = asyncio.ensure_future(heard(dialect.model(server.port)))
        while not server.replies:
            await asyncio.sleep(0.01)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        await server.hung_up.wait()

    assert reader.cancelled()


async def test_a_server_that_is_not_there_is_unavailable(dialect: Dialect) -> None:
    """The remedy says what to look at."""
    said, error = await until_it_fails(dialect.model(free_block(1)))

    assert said == []
    assert f"ROXY_{dialect.backend.upper()}_URL" in error.remedy


@pytest.mark.parametrize(
    ("behaviour", "limits", "said", "words"),
    [
        (is_silent, {"model_first_token_s": 0.2}, [], "before its first token"),
        (begins_and_is_silent, {"model_first_token_s": 0.2}, [], "before its first token"),
        (says_one_word, {"model_between_tokens_s": 0.2}, ["Lag"], "between two tokens"),
        (says_one_word, {"model_total_s": 0.4}, ["Lag"], "took longer than 0.4 s"),
    ],
)
async def test_silence_ends(dialect: Dialect, behaviour: Behaviour, limits: dict[str, object], said: list[str], words: str) -> None:
    """Each kind has its limit; the connection is closed."""
    async with serving(dialect, behaviour) as server, asyncio.timeout(10):
        found, error = await until_it_fails(dialect.model(server.port, **limits))
        await server.hung_up.wait()

    assert said == found
    assert words in error.detail


async def test_talk_without_end_ends(dialect: Dialect) -> None:
    """The whole answer has its limit too."""
    async with serving(dialect, never_ends) as server, asyncio.timeout(10):
        _, error = await until_it_fails(dialect.model(server.port, model_total_s=0.5))
        await server.hung_up.wait()

    assert "took longer than 0.5 s" in error.detail


@pytest.mark.parametrize("behaviour", [is_cut, ends_too_early])
async def test_an_answer_that_breaks_off_is_not_taken_for_whole(dialect: Dialect, behaviour: Behaviour) -> None:
    """Whether the connection breaks or ends in good order."""
    async with serving(dialect, behaviour) as server:
        said, error = await until_it_fails(dialect.model(server.port))

    assert ["Lag", " is"] == said
    assert "broke off" in error.detail


async def test_an_error_in_the_middle_is_passed_on(dialect: Dialect) -> None:
    """In the server's words."""
    async with serving(dialect, has_trouble) as server:
        said, error = await until_it_fails(dialect.model(server.port))

    assert ["Lag", " is"] == said
    assert "out of memory" in error.detail


@pytest.mark.parametrize("number", range(6))
async def test_what_is_no_part_of_an_answer_is_a_fault(dialect: Dialect, number: int) -> None:
    """Not JSON, JSON of another shape, not even text."""
    async with serving(dialect, sends(dialect.strange[number])) as server:
        said, _ = await until_it_fails(dialect.model(server.port))

    assert ["Lag", " is"] == said


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7), ("in an hour", 3_600), ("soon", 0), ("", 0)])
async def test_too_many_requests_says_when_to_come_back(dialect: Dialect, asked: str, seconds: int) -> None:
    """`Retry-After` in seconds or as a date; one that cannot be read counts as none."""
    said = formatdate(time() + 3_600, usegmt=True) if asked == "in an hour" else asked
    async with serving(dialect, refuses(429, Retry_After=said)) as server:
        _, error = await until_it_fails(dialect.model(server.port))

    assert seconds == pytest.approx(error.retry_after_s, abs=60 if seconds == 3_600 else 0)
    assert "not today" in error.detail


async def test_an_error_of_the_server_passes(dialect: Dialect) -> None:
    """Three times 500, then the answer; the client itself has tried nothing again."""
    async with serving(dialect, refuses(500), refuses(502), refuses(503), answers) as server:
        model = dialect.model(server.port)
        for _ in range(3):
            await until_it_fails(model)
        *tokens, _ = await heard(model)

    assert ["Lag", " is", " time."] == tokens
    assert len(server.replies) == 4


@pytest.mark.parametrize(("status", "remedy"), [(400, "ROXY_LANGUAGE_MODEL"), (401, "key"), (403, "key"), (404, "ROXY_LANGUAGE_MODEL")])
async def test_what_does_not_pass_is_not_tried_again(dialect: Dialect, status: int, remedy: str) -> None:
    """A model that is missing, a wrong key, a request that the server does not take: with what mends it."""
    async with serving(dialect, refuses(status)) as server:
        with pytest.raises(ModelRefused, match="not today") as refused:
            await heard(dialect.model(server.port))

    assert remedy in refused.value.remedy


async def test_what_the_endpoint_will_not_say_is_refused() -> None:
    """OpenAI's content filter ends an answer that nobody should take for whole."""

    async def filters(reply: Reply) -> None:
        await reply.say("Lag")
        await reply.end("content_filter")

    async with serving(OPENAI, filters) as server:
        with pytest.raises(ModelRefused, match="content filter"):
            await heard(OPENAI.model(server.port))
