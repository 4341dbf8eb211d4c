"""Contract of the moderator port, over every backend; what each promises of its own; and what becomes of a served one's faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.moderator import open_moderator
from connectors.moderator.base import Moderator
from infra.ports import free_block
from schemas.errors import InvalidSetting, MissingExtra, ModeratorUnavailable
from schemas.settings import Settings
from tests.contract.model_servers import OPENAI, Behaviour, Reply, serving

LIST = """
# Words that were reported.
blockhead
[violence]
blow up   # a phrase
Sprengstoff
[hate]
坏词
"""
BAD, FINE = "You BLOCKHEAD, will you blow up the bridge?", "What blockheads call an explosion grows on a bridge."
CATEGORIES = ("violence", "words")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "words.txt"
    file.write_text(LIST, encoding="utf-8")
    return file


def asking(port: int, **changed: object) -> Moderator:
    given = {"moderator": "openai:small", "openai_url": f"http://127.0.0.1:{port}/v1", "moderator_timeout_s": 5, "openai_key": "secret"}
    moderator = open_moderator(Settings.model_validate({**given, **changed}))
    assert moderator is not None
    return moderator


async def send(reply: Reply, body: object) -> None:
    await reply.begin(Content_Type="application/json")
    await reply.send(json.dumps(body).encode())
    await reply.close()


async def looks(reply: Reply) -> None:
    """As OpenAI's does, with categories of its own."""
    found = reply.body["input"] == BAD
    categories = {"words": found, "violence": found, "hate/threatening": False}
    await send(reply, {"id": "1", "model": "small", "results": [{"flagged": found, "categories": categories, "category_scores": {}}]})


@pytest.fixture(params=["words", "openai"])
async def moderator(request: pytest.FixtureRequest, file: Path) -> AsyncIterator[Moderator]:
    if request.param == "openai":
        async with serving(OPENAI, looks) as server:
            yield asking(server.port)
    else:
        opened = open_moderator(Settings(moderator=f"words:{file}"))
        assert opened is not None
        yield opened


# -------------------------------------------------------------------- the port


async def test_what_is_found_is_told_by_category(moderator: Moderator) -> None:
    """Each once, the same every time."""
    assert CATEGORIES == await moderator.categories(BAD) == await moderator.categories(BAD)


@pytest.mark.parametrize("text", [FINE, "?", "a " * 10_000])
async def test_in_what_is_fine_nothing_is_found(moderator: Moderator, text: str) -> None:
    """Also in next to no text, and in a long one."""
    assert () == await moderator.categories(text)


async def test_texts_may_be_looked_at_side_by_side(moderator: Moderator) -> None:
    """Each has its own answer."""
    assert [CATEGORIES, ()] * 4 == await asyncio.gather(*(moderator.categories(text) for text in [BAD, FINE] * 4))


# ----------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＢＬＯＣＫＨＥＡＤ", ("words",)),
        ("Blóckhead!", ("words",)),
        ("blow-up", ("violence",)),
        ("to blow\nup", ("violence",)),
        ("SPRENGSTOFF", ("violence",)),
        ("这是坏词吗", ("hate",)),
        ("blow it up", ()),
        ("Sprengstoffe", ()),
    ],
)
async def test_whole_words_are_found_however_they_are_written(file: Path, text: str, expected: tuple[str, ...]) -> None:
    """Whatever their case, accents and width, and what stands between them; without blanks where a script has none."""
    moderator = open_moderator(Settings(moderator=f"words:{file}"))

    assert moderator is not None
    assert expected == await moderator.categories(text)


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """When the process starts."""
    (tmp_path / "latin").write_bytes(b"\xff\xfe\xfa")
    for file in ("absent", "latin", "."):
        with pytest.raises(InvalidSetting, match="cannot be read"):
            open_moderator(Settings(moderator=f"words:{tmp_path / file}"))


# ---------------------------------------------------------------------- openai


async def test_the_endpoint_is_asked_with_model_and_key() -> None:
    """And with nothing from the environment."""
    async with serving(OPENAI, looks) as server:
        await asking(server.port).categories(FINE)
    reply = server.replies[0]

    assert ("/v1/moderations", {"model": "small", "input": FINE}) == (reply.path, reply.body)
    assert "Bearer secret" == reply.headers["authorization"]


async def test_a_flag_without_a_category_counts() -> None:
    """Some endpoints have categories of other names only, or none."""

    async def flags(reply: Reply) -> None:
        await send(reply, {"id": "1", "model": "small", "results": [{"flagged": True, "categories": {}, "category_scores": {}}]})

    async with serving(OPENAI, flags) as server:
        assert ("flagged",) == await asking(server.port).categories(FINE)


def answers(body: bytes) -> Behaviour:
    async def behaviour(reply: Reply) -> None:
        await reply.begin(Content_Type="application/json")
        await reply.send(body)
        await reply.close()

    return behaviour


async def is_silent(reply: Reply) -> None:
    await asyncio.Event().wait()


async def is_cut(reply: Reply) -> None:
    await reply.begin(Content_Type="application/json")
    await reply.send(b'{"results": [')


@pytest.mark.parametrize(
    "behaviour",
    [
        is_cut,
        lambda reply: reply.refuse(429),
        lambda reply: reply.refuse(401),
        lambda reply: reply.refuse(500),
        answers(b"<html>Bad gateway</html>"),
        answers(b'{"results": []}'),
        answers(b'{"results": 3}'),
        answers(b"[1]"),
        answers(b"null"),
    ],
)
async def test_every_fault_is_an_error_of_ours(behaviour: Behaviour) -> None:
    """So that the question goes on, or does not, as the settings say."""
    async with serving(OPENAI, behaviour) as server:
        with pytest.raises(ModeratorUnavailable, match="openai:small"):
            await asking(server.port).categories(FINE)


async def test_silence_ends_in_time_and_the_request_with_it() -> None:
    """The connection is closed."""
    async with serving(OPENAI, is_silent) as server:
        with pytest.raises(ModeratorUnavailable, match=r"silent for 0\.1 s"):
            await asking(server.port, moderator_timeout_s=0.1).categories(FINE)
        await server.hung_up.wait()


async def test_a_call_that_is_cancelled_ends_its_request() -> None:
    """Nobody waits for the answer any more."""
    async with serving(OPENAI, is_silent) as server:
        call = asyncio.create_task(asking(server.port).categories(FINE))
        while not server.replies:
            await asyncio.sleep(0.01)
        call.cancel()
        await server.hung_up.wait()

        assert [True] == [isinstance(outcome, asyncio.CancelledError) for outcome in await asyncio.gather(call, return_exceptions=True)]


async def test_nobody_there_is_unavailable() -> None:
    """As is a server that is slow."""
    with pytest.raises(ModeratorUnavailable):
        await asking(free_block(1)).categories(FINE)


# ---------------------------------------------------------------------- opened


def test_none_opens_nothing_and_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is absent is named with its extra."""
    assert open_moderator(Settings()) is None
    for setting in ("nonsense", "words", "words:", "openai:"):
        with pytest.raises(InvalidSetting, match="names no moderator"):
            open_moderator(Settings(moderator=setting))
    monkeypatch.setattr("connectors.moderator.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="extra `openai`"):
        open_moderator(Settings(moderator="openai:small"))
