"""A question that many ask at the same time."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import LogUnavailable
from streams.shared_question import SharedQuestion


class Clock:
    """Answers how often it was asked, once it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()

    async def __call__(self) -> int:
        self.asked += 1
        answer = self.asked
        await self.may.wait()
        if answer == 3:
            raise LogUnavailable("The log is away.")
        return answer


async def test_those_who_ask_at_the_same_time_are_answered_by_one_question() -> None:
    """It begins after all of them have asked."""
    clock = Clock()
    clock.may.set()
    question = SharedQuestion(clock)

    assert await asyncio.gather(*(question.answer() for _ in range(10))) == [1] * 10


async def test_who_asks_while_a_question_is_under_way_is_answered_by_the_next() -> None:
    """The one under way began before they asked: what they have written since may not be in it."""
    clock = Clock()
    question = SharedQuestion(clock)
    first = asyncio.create_task(question.answer())
    await asyncio.sleep(0.01)
    later = [asyncio.create_task(question.answer()) for _ in range(5)]
    await asyncio.sleep(0.01)
    asked = clock.asked
    clock.may.set()

    assert (asked, await first, await asyncio.gather(*later)) == (1, 1, [2] * 5)


async def test_what_the_question_raises_all_get_who_share_it_and_the_next_is_asked_anew() -> None:
    """A log that was away for one question is asked again."""
    clock = Clock()
    clock.asked = 2
    clock.may.set()
    question = SharedQuestion(clock)
    outcomes = await asyncio.gather(question.answer(), question.answer(), return_exceptions=True)

    assert [LogUnavailable] * 2 == [type(outcome) for outcome in outcomes]
    assert await question.answer() == 4


async def test_who_is_cancelled_leaves_the_others_their_answer() -> None:
    """A step that runs out of time shares the question with steps that do not."""
    clock = Clock()
    question = SharedQuestion(clock)
    cancelled, kept = (asyncio.create_task(question.answer()) for _ in range(2))
    await asyncio.sleep(0.01)
    cancelled.cancel()
    clock.may.set()

    assert await kept == 1
    with pytest.raises(asyncio.CancelledError):
        await cancelled
