"""Background: who ends a task, and is ended itself meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from connectors.background import ended, running


@pytest.mark.parametrize("swallows", [True, False], ids=["swallows it", "lets it out"])
async def test_who_waits_for_a_task_to_end_can_be_cancelled(swallows: bool) -> None:
    """Whether the task lets its own cancellation out or not: who was told to stop meanwhile does not go on behind the wait."""
    begun, may_end, went_on = asyncio.Event(), asyncio.Event(), False

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await may_end.wait()
            if not swallows:
                raise

    async def wait() -> None:
        nonlocal went_on
        await ended(task)
        went_on = True

    task = asyncio.create_task(work())
    await begun.wait()
    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    waiting.cancel()
    may_end.set()
    await asyncio.wait([waiting, task])

    assert (True, False) == (waiting.cancelled(), went_on)
    assert swallows is not task.cancelled()


async def test_a_task_that_is_ended_cancels_nobody_else() -> None:
    """Who has ended it goes on."""
    async with running(asyncio.sleep(60)):
        await asyncio.sleep(0)
    me = asyncio.current_task()

    assert me is not None
    assert 0 == me.cancelling()


async def test_what_the_work_failed_of_is_raised_at_the_end() -> None:
    """Else nobody would hear of it."""

    async def work() -> None:
        raise ValueError("an odd one")

    with pytest.raises(ValueError, match="an odd one"):
        async with running(work()):
            await asyncio.sleep(0.01)
