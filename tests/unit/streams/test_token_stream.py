"""streams/token_stream.py over a model that is slower, and one that is faster, than the writer of its records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from connectors.language_model.base import Finish, Prompt
from schemas.errors import ModelUnavailable
from schemas.events import Usage
from streams.token_stream import TextDiffers, TokenStream
from tests.builders import ScriptedModel

PROMPT = Prompt("What is kept?", ())
MANY = [f"{number} " for number in range(2_000)]


async def pieces_of(model: ScriptedModel, skip: str = "", pause: int = 0) -> list[str]:
    """All pieces, taken by a writer that lets the loop turn `pause` times after each."""
    pieces = []
    async with TokenStream(model, PROMPT, skip=skip) as stream:
        async for piece in stream:
            pieces.append(piece)
            for _ in range(pause):
                await asyncio.sleep(0)
    return pieces


async def test_the_first_token_comes_alone_and_at_once() -> None:
    """Whatever else is there already; after it at most three to a piece while the writer keeps up."""
    pieces = await pieces_of(ScriptedModel(["a", "b", "c", "d", "e", "f"]))

    assert pieces == ["a", "bcd", "ef"]


async def test_no_token_waits_for_another() -> None:
    """Each is out before the model makes the next."""
    taken: list[str] = []

    class Slow(ScriptedModel):
        async def before(self, number: int) -> None:
            while len(taken) < number:
                await asyncio.sleep(0)

    async with TokenStream(Slow(["a", "b", "c", "d"]), PROMPT, skip="") as stream:
        async for piece in stream:
            taken.append(piece)  # noqa: PERF401 (the model looks at it meanwhile)

    assert taken == ["a", "b", "c", "d"]


async def test_pieces_grow_while_the_writer_is_slower_than_the_model() -> None:
    """So that records per second do not; nothing is lost on the way."""
    pieces = await pieces_of(ScriptedModel(MANY), pause=10)
    sizes = [len(piece.split()) for piece in pieces]

    assert "".join(MANY) == "".join(pieces)
    assert (sizes[0], max(sizes)) == (1, 32)


async def test_a_model_that_is_far_ahead_is_held_back() -> None:
    """Nothing grows without limit."""

    class Counting(ScriptedModel):
        made = 0

        async def before(self, number: int) -> None:
            self.made = number + 1

    model = Counting(MANY)
    async with TokenStream(model, PROMPT, skip="") as stream:
        for _ in range(3_000):
            await asyncio.sleep(0)
        held_at = model.made
        rest = [piece async for piece in stream]

    assert held_at == 512
    assert "".join(MANY) == "".join(rest)


async def test_stopping_ends_the_pieces_and_closes_the_models_stream() -> None:
    """Also while the model is at work on the next token."""

    class Stuck(ScriptedModel):
        async def before(self, number: int) -> None:
            if number == 2:
                await asyncio.Event().wait()

    model, pieces = Stuck(["a", "b", "c"]), []
    async with TokenStream(model, PROMPT, skip="") as stream:
        async for piece in stream:
            pieces.append(piece)
            if len(pieces) == 2:
                asyncio.get_running_loop().call_soon(stream.stop)

    assert (pieces, stream.stopped, model.closed) == (["a", "b"], True, 1)


async def test_a_model_that_is_stopped_may_take_its_time_to_hang_up() -> None:
    """Leaving does not interrupt it: what it was about to close would stay open."""
    hung_up: list[str] = []

    class Speaking(ScriptedModel):
        async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
            try:
                while True:
                    yield "word "
                    await asyncio.sleep(0)
            finally:
                await asyncio.sleep(0.01)
                hung_up.append("yes")

    async with TokenStream(Speaking([]), PROMPT, skip="") as stream:
        await stream.soon(5.0)
        for _ in range(2):
            stream.stop()
            await asyncio.sleep(0)

    assert ["yes"] == hung_up


async def test_leaving_early_closes_the_models_stream() -> None:
    """A step that is cancelled, or whose log is away, leaves no model at work."""
    model = ScriptedModel(MANY)
    async with TokenStream(model, PROMPT, skip="") as stream:
        async for _ in stream:
            break

    assert model.closed == 1


@pytest.mark.parametrize("error", [ModelUnavailable("gone"), ValueError("odd")])
async def test_an_error_of_the_model_comes_after_the_tokens_before_it(error: Exception) -> None:
    """What the model had said is out first."""
    pieces = []

    async def read() -> None:
        async with TokenStream(ScriptedModel(["a", "b", "c"], fails_at=2, error=error), PROMPT, skip="") as stream:
            async for piece in stream:
                pieces.append(piece)  # noqa: PERF401

    with pytest.raises(type(error), match=str(error).split(".")[0]):
        await read()

    assert pieces == ["a", "b"]


async def test_the_finish_is_kept() -> None:
    """Usage and reason, whether or not there was a token."""

    class Silent(ScriptedModel):
        async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
            yield ""
            yield Finish(Usage(prompt_tokens=7), "length")

    async with TokenStream(Silent(), PROMPT, skip="") as stream:
        pieces = [piece async for piece in stream]

    assert ([], Finish(Usage(prompt_tokens=7), "length")) == (pieces, stream.finish)


@pytest.mark.parametrize("out", range(9))
async def test_a_model_that_runs_again_says_only_what_is_not_out(out: int) -> None:
    """At every character, also in the middle of a token."""
    text = "ab cd ef"
    pieces = await pieces_of(ScriptedModel(["ab ", "cd ", "ef"]), skip=text[:out])

    assert text[out:] == "".join(pieces)


async def test_a_model_that_begins_again_says_all() -> None:
    """`resumes = "restart"`: nothing is skipped."""
    assert "".join(await pieces_of(ScriptedModel(["a", "b"], "restart"), skip="a")) == "ab"


@pytest.mark.parametrize("skip", ["x", "ax", "abx"])
async def test_a_model_that_says_something_else_is_noticed_before_a_token_is_out(skip: str) -> None:
    """The answer is then begun anew."""
    with pytest.raises(TextDiffers):
        await pieces_of(ScriptedModel(["a", "b"]), skip=skip)
