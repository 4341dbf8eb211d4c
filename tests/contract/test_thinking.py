"""Models that think before they answer, and what newer ones mind: a server at work is not silent, and nothing of its thoughts is an answer's."""

from __future__ import annotations

import asyncio

import pytest

from connectors.language_model import open_language_model
from connectors.language_model.base import Finish
from schemas.errors import ModelUnavailable
from schemas.settings import Settings
from tests.contract.model_servers import OPENAI, Dialect, Reply, heard, serving


async def thinks(reply: Reply) -> None:
    """For 3 s, longer than a silence may last, before its first token and once more before the second."""
    await reply.begin()
    for word in ("Lag", " is"):
        for _ in range(30):
            await reply.send(reply.dialect.thought("Hmm"))
            await asyncio.sleep(0.1)
        await reply.send(reply.dialect.token(word))
    await reply.end()


async def never_comes_to_a_point(reply: Reply) -> None:
    await reply.begin()
    while True:
        await reply.send(reply.dialect.thought("Hmm"))
        await asyncio.sleep(0.05)


async def answers(reply: Reply) -> None:
    await reply.say("Lag")
    await reply.end()


async def test_a_model_that_thinks_is_not_silent(dialect: Dialect) -> None:
    """Each thought is a sign of life, and no part of the answer."""
    async with serving(dialect, thinks) as server:
        *tokens, finish = await heard(dialect.model(server.port, model_first_token_s=2.5, model_between_tokens_s=2.5, model_total_s=60))

    assert ["Lag", " is"] == tokens
    assert isinstance(finish, Finish)


async def test_thinking_without_end_ends(dialect: Dialect) -> None:
    """The whole answer's limit holds for it."""
    async with serving(dialect, never_comes_to_a_point) as server, asyncio.timeout(10):
        with pytest.raises(ModelUnavailable, match=r"took longer than 0\.5 s"):
            await heard(dialect.model(server.port, model_total_s=0.5))
        await server.hung_up.wait()


@pytest.mark.parametrize(
    ("changed", "sent"),
    [
        ({}, {"temperature": 0.0, "max_tokens": 9}),
        ({"model_temperature": 0.7}, {"temperature": 0.7, "max_tokens": 9}),
        ({"openai_length": "max_completion_tokens"}, {"max_completion_tokens": 9}),
        ({"openai_length": "max_completion_tokens", "model_temperature": 1}, {"temperature": 1.0, "max_completion_tokens": 9}),
    ],
    ids=str,
)
async def test_newer_models_are_told_the_length_by_its_newer_name(changed: dict[str, object], sent: dict[str, object]) -> None:
    """And no temperature that nobody asked for: they refuse both. GenerationStarted says what was sent."""
    async with serving(OPENAI, answers) as server:
        model = OPENAI.model(server.port, model_max_tokens=9, **changed)
        await heard(model)
    names = {"temperature", "max_tokens", "max_completion_tokens"}

    assert sent == {name: value for name, value in server.replies[0].body.items() if name in names}
    assert sent == {name: value for name, value in model.parameters.items() if name in names}


def test_openai_itself_is_told_the_length_by_its_newer_name() -> None:
    """All of its models take it; other servers may know the older one only."""
    named = {url: open_language_model("openai:small", Settings(openai_url=url)).parameters for url in ("https://api.openai.com/v1", "http://own/v1")}

    assert ["max_completion_tokens", "max_tokens"] == [next(name for name in found if name.startswith("max_")) for found in named.values()]
