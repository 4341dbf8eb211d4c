"""What the models that ask a server share: limits of time, and what a refusal means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.language_model.endpoint import Limits, in_time, refused
from schemas.errors import ModelRefused, ModelUnavailable

LIMITS = Limits(connect_s=1, first_token_s=60, between_tokens_s=60, total_s=60)


async def words(closed: list[str], *, then_silent: bool = False) -> AsyncGenerator[str, None]:
    try:
        yield "Lag"
        if then_silent:
            await asyncio.Event().wait()
        yield " is"
    finally:
        closed.append("closed")


async def test_what_comes_in_time_is_passed_on() -> None:
    """As it comes; the stream is closed at its end."""
    closed: list[str] = []

    assert ["Lag", " is"] == [word async for word in in_time(words(closed), LIMITS, "small")]
    assert ["closed"] == closed


async def test_a_late_stream_is_closed() -> None:
    """So that its connection ends."""
    closed: list[str] = []
    stream = in_time(words(closed, then_silent=True), LIMITS._replace(between_tokens_s=0.05), "small")

    assert await anext(stream) == "Lag"
    with pytest.raises(ModelUnavailable, match=r"small was silent for 0\.05 s between two tokens"):
        await anext(stream)
    assert ["closed"] == closed


async def test_a_stream_that_nobody_wants_any_more_is_closed() -> None:
    """Also in the middle."""
    closed: list[str] = []
    async with aclosing(in_time(words(closed), LIMITS, "small")) as stream:
        await anext(stream)

    assert ["closed"] == closed


@given(status=st.integers(300, 599), text=st.text(), asked=st.one_of(st.none(), st.text(max_size=40), st.integers().map(str)))
def test_any_refusal_is_one_of_two_errors(status: int, text: str, asked: str | None) -> None:
    """What may pass, or what somebody has to mend; whatever a server writes into its headers."""
    error = refused("small", status, text, {} if asked is None else {"retry-after": asked}, "Fetch it.")
    may_pass = status >= 500 or status in (408, 409, 425, 429)

    assert isinstance(error, ModelUnavailable if may_pass else ModelRefused)
    assert f"HTTP {status}" in error.detail
    assert "\n" not in error.detail
    assert not isinstance(error, ModelUnavailable) or error.retry_after_s >= 0
