"""Models at more than one server: each endpoint of ROXY_ENDPOINTS has its own address, key and ways."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from connectors.language_model import open_language_model
from connectors.language_model.base import LanguageModel, Prompt
from infra.environment import as_variables
from infra.ports import free_block
from infra.show import setting_rows
from schemas.errors import InvalidSetting, ModelUnavailable
from schemas.settings import PREFIX, Settings, load_settings
from tests.contract.model_servers import OLLAMA, OPENAI, Dialect, Reply, serving

PROMPT = Prompt("What is lag?", ())


async def answers(reply: Reply) -> None:
    await reply.say("Lag")
    await reply.end()


def at(dialect: Dialect, port: int, **given: str) -> dict[str, str]:
    return {"url": f"http://127.0.0.1:{port}{'/v1' if dialect is OPENAI else ''}", **given}


def a_model(dialect: Dialect, name: str, **endpoints: dict[str, str]) -> LanguageModel:
    return open_language_model(f"{dialect.backend}@{name}:small", Settings.model_validate({"endpoints": endpoints, f"{dialect.backend}_key": "main"}))


async def test_each_endpoint_is_asked_at_its_own_address_with_its_own_key(dialect: Dialect) -> None:
    """No other's key goes there; the model is asked for by the server's own name for it."""
    async with AsyncExitStack() as stack:
        own, hosted = [await stack.enter_async_context(serving(dialect, answers)) for _ in range(2)]
        for name in ("own", "hosted"):
            model = a_model(dialect, name, own=at(dialect, own.port), hosted=at(dialect, hosted.port, key="theirs"))
            [part async for part in model.stream(PROMPT)]
    (first,), (second,) = own.replies, hosted.replies

    assert (None, "Bearer theirs") == (first.headers.get("authorization"), second.headers.get("authorization"))
    assert "small" == first.body["model"] == second.body["model"]


async def test_each_endpoint_has_its_own_ways(dialect: Dialect) -> None:
    """How it goes on; and in events the model is named with its endpoint."""
    made = [a_model(dialect, "own", own=at(dialect, 1, resumes=way)) for way in ("auto", "prefix", "restart")]

    assert ["prefix" if dialect is OLLAMA else "restart", "prefix", "restart"] == [model.resumes for model in made]
    assert {f"{dialect.backend}@own:small"} == {model.name for model in made}


def test_each_endpoint_is_told_the_length_by_its_own_name() -> None:
    """Newer models and older ones beside each other."""
    model = a_model(OPENAI, "own", own=at(OPENAI, 1, length="max_completion_tokens"))

    assert "max_completion_tokens" in model.parameters


async def test_an_endpoint_that_is_away_is_named(dialect: Dialect) -> None:
    """In the remedy."""
    with pytest.raises(ModelUnavailable) as failed:
        [part async for part in a_model(dialect, "own", own=at(dialect, free_block(1))).stream(PROMPT)]

    assert "ROXY_ENDPOINTS, own" in failed.value.remedy


@pytest.mark.parametrize("name", ["other", ""])
def test_an_endpoint_that_there_is_not_is_refused(dialect: Dialect, name: str) -> None:
    """With those that there are."""
    with pytest.raises(InvalidSetting, match=f"no endpoint '{name}'") as refused:
        a_model(dialect, name, own=at(dialect, 1))

    assert "ROXY_ENDPOINTS" in refused.value.remedy
    assert "own" in refused.value.remedy


def test_an_endpoints_address_that_is_none_is_refused(dialect: Dialect) -> None:
    """By its name."""
    with pytest.raises(InvalidSetting, match="ROXY_ENDPOINTS, own is no address"):
        a_model(dialect, "own", own={"url": "127.0.0.1:8000"})


def test_an_endpoints_key_is_handed_on_and_never_shown(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the processes that `roxy up` starts; not in what is printed, logged or told of a model."""
    given = Settings.model_validate({"endpoints": {"own": at(dialect, 1, key="open-sesame")}})
    for name, value in as_variables(given).items():
        monkeypatch.setenv(name, value)
    model = open_language_model(f"{dialect.backend}@own:small", given)

    assert given.endpoints == load_settings().endpoints
    assert "open-sesame" not in f"{setting_rows(given)}{given!r}{given.model_dump_json()}{model.parameters}"
    assert all(row.value for row in setting_rows(given) if row.name == f"{PREFIX}ENDPOINTS")
