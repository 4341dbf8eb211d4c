"""Guard: a time limit and a breaker round one part of a search."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from schemas.errors import Unavailable
from streams.search.guard import Guard

RESET_S = 60.0


class Clock:
    """The wall clock, as purgatory sees it."""

    now = 1_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("purgatory.domain.model.time", clock)
    return clock


class Part:
    """Answers, fails or hangs, as told; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: BaseException | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def __call__(self) -> str:
        self.asked += 1
        await self.answers.wait()
        if self.error:
            raise self.error
        return "answer"


def a_guard(timeout_s: float = 5.0, failures: int = 2) -> Guard:
    return Guard("vector", timeout_s=timeout_s, failures=failures, reset_s=RESET_S)


async def opened(guard: Guard, part: Part) -> None:
    """Fail until it is left alone."""
    part.error = OSError("broken pipe")
    for _ in range(2):
        with pytest.raises(Unavailable, match="broken pipe"):
            await guard.run(part)


async def test_whatever_a_part_raises_is_its_failure() -> None:
    """After so many in a row it is not asked any more."""
    guard, part = a_guard(), Part()
    await opened(guard, part)

    with pytest.raises(Unavailable, match="left alone"):
        await guard.run(part)
    assert part.asked == 2


async def test_an_answer_in_between_begins_the_count_anew() -> None:
    """A part that fails now and then is asked on."""
    guard, part = a_guard(), Part()
    for error in (OSError(), None, OSError(), None):
        part.error = error
        await asyncio.gather(guard.run(part), return_exceptions=True)

    assert "answer" == await guard.run(part)


async def test_a_part_that_hangs_is_left_at_the_time_limit() -> None:
    """Its own, or the one that is given if that comes first; that counts as a failure too."""
    guard, part = a_guard(timeout_s=0.01), Part()
    part.answers.clear()
    for _ in range(2):
        with pytest.raises(Unavailable, match="longer than"):
            await guard.run(part)
    with pytest.raises(Unavailable, match="left alone"):
        await guard.run(part)

    other = a_guard()
    with pytest.raises(Unavailable, match="longer than"):
        await other.run(part, by=asyncio.get_running_loop().time() + 0.01)


async def test_a_part_for_which_no_time_is_left_is_not_to_blame() -> None:
    """Those before it took it all: it is not asked, and not counted."""
    guard, part = a_guard(failures=1), Part()
    with pytest.raises(Unavailable, match="no time"):
        await guard.run(part, by=asyncio.get_running_loop().time())

    assert ("answer", 1) == (await guard.run(part), part.asked)


async def test_after_a_while_one_call_tries_it_and_closes_the_breaker(clock: Clock) -> None:
    """The others go on without the part until that one knows."""
    guard, part = a_guard(), Part()
    await opened(guard, part)
    clock.now += RESET_S + 1
    part.error = None
    part.answers.clear()
    first = asyncio.create_task(guard.run(part))
    await asyncio.sleep(0)
    others = await asyncio.gather(*(guard.run(part) for _ in range(3)), return_exceptions=True)
    part.answers.set()

    assert [True] * 3 == [isinstance(other, Unavailable) for other in others]
    assert ("answer", 3) == (await first, part.asked)
    assert "answer" == await guard.run(part)


async def test_a_cancelled_question_is_not_the_parts_failure(clock: Clock) -> None:
    """Nor a sign that the part is back, if it was the one that tried it: the next one tries."""
    guard, part = a_guard(failures=1), Part()
    part.answers.clear()
    for _ in range(2):
        task = asyncio.create_task(guard.run(part))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    part.answers.set()
    assert "answer" == await guard.run(part)

    part.error = OSError("broken pipe")
    with pytest.raises(Unavailable):
        await guard.run(part)
    clock.now += RESET_S + 1
    part.answers.clear()
    trying = asyncio.create_task(guard.run(part))
    await asyncio.sleep(0)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    part.answers.set()

    with pytest.raises(Unavailable, match="broken pipe"):
        await guard.run(part)
    with pytest.raises(Unavailable, match="left alone"):
        await guard.run(part)


async def test_a_part_that_cancels_itself_has_failed() -> None:
    """Client libraries do so when their connection goes; nobody told this question to stop."""
    guard, part = a_guard(), Part()
    part.error = asyncio.CancelledError()

    with pytest.raises(Unavailable, match="cancelled"):
        await guard.run(part)


async def test_changes_and_failures_are_counted() -> None:
    """For /metrics: who looks there sees which part is down."""

    def opened_so_far() -> float:
        return REGISTRY.get_sample_value("roxy_search_breaker_changes_total", {"part": "vector", "state": "opened"}) or 0.0

    before = opened_so_far()
    await opened(a_guard(), Part())

    assert before + 1 == opened_so_far()
    assert (REGISTRY.get_sample_value("roxy_search_failures_total", {"part": "vector"}) or 0.0) >= 2
