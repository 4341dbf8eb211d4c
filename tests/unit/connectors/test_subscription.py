"""connectors/session_log/subscription.py: one reader's bounded queue."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.session_log.base import SessionRecord
from connectors.session_log.subscription import Subscription
from schemas.errors import LogUnavailable, SlowReader, UnknownSession
from tests.builders import a_query, a_record


def entry(offset: int) -> SessionRecord:
    record = a_record(a_query(), offset=offset)
    return SessionRecord.of(record, UUID(int=0))


def offsets(found: object) -> list[int]:
    assert isinstance(found, list | tuple)
    return [waiting.record.offset for waiting in found]


async def test_a_read_takes_all_that_waits() -> None:
    """In the order it was offered, and once."""
    subscription = Subscription(10)
    for offset in range(3):
        subscription.offer(entry(offset))

    assert offsets(await subscription.read(0)) == [0, 1, 2]
    assert offsets(await subscription.read(0)) == []


async def test_a_reader_that_waits_is_woken_by_the_next_record() -> None:
    """Long before its time is up."""
    subscription = Subscription(10)
    reading = asyncio.create_task(subscription.read(60))
    await asyncio.sleep(0)
    subscription.offer(entry(7))

    assert offsets(await reading) == [7]


@pytest.mark.parametrize(("first_s", "then_s"), [(0.05, 0.2), (60, 0.05)])
async def test_a_reader_waits_as_long_as_it_says(first_s: float, then_s: float) -> None:
    """Not until the time of the read before it, which a record cut short, was up: sooner or later than its own."""
    subscription, now = Subscription(10), asyncio.get_running_loop().time
    reading = asyncio.create_task(subscription.read(first_s))
    await asyncio.sleep(0)
    subscription.offer(entry(1))
    assert offsets(await reading) == [1]
    begun = now()
    assert await asyncio.wait_for(subscription.read(then_s), 30) == ()

    assert now() - begun >= then_s
    subscription.close()


async def test_a_reader_that_waits_is_woken_by_an_error() -> None:
    """A session that is forgotten, a log that is gone."""
    subscription = Subscription(10)
    reading = asyncio.create_task(subscription.read(60))
    await asyncio.sleep(0)
    subscription.fail(UnknownSession())

    with pytest.raises(UnknownSession):
        await reading


@pytest.mark.parametrize("backlog", [0, 4])
async def test_one_record_too_many_ends_it_after_what_had_come(backlog: int) -> None:
    """The bound counts what came live; what was there before does not."""
    subscription = Subscription(3, [entry(offset) for offset in range(backlog)])
    for offset in range(backlog, backlog + 4):
        subscription.offer(entry(offset))
    subscription.offer(entry(99))

    assert offsets(await subscription.read(0)) == list(range(backlog + 3))
    for _ in range(2):
        with pytest.raises(SlowReader):
            await subscription.read(0)


async def test_once_the_backlog_is_read_the_bound_is_as_given() -> None:
    """A long past gives no more room later."""
    subscription = Subscription(2, [entry(offset) for offset in range(50)])
    await subscription.read(0)
    for offset in range(3):
        subscription.offer(entry(offset))

    assert offsets(await subscription.read(0)) == [0, 1]
    with pytest.raises(SlowReader):
        await subscription.read(0)


async def test_the_first_error_stays_and_nothing_comes_after_it() -> None:
    """Records before it are still delivered."""
    subscription = Subscription(10)
    subscription.offer(entry(0))
    subscription.fail(LogUnavailable())
    subscription.fail(UnknownSession())
    subscription.offer(entry(1))

    assert offsets(await subscription.read(0)) == [0]
    with pytest.raises(LogUnavailable):
        await subscription.read(0)


async def test_a_cancelled_read_loses_nothing() -> None:
    """An SSE connection that is cut while it waits."""
    subscription = Subscription(10)
    reading = asyncio.create_task(subscription.read(60))
    await asyncio.sleep(0)
    reading.cancel()
    subscription.offer(entry(3))
    await asyncio.wait([reading])

    assert offsets(await subscription.read(0)) == [3]


@given(steps=st.lists(st.one_of(st.just(0), st.integers(1, 4)), max_size=40), bound=st.integers(1, 6))
def test_whatever_the_schedule_a_prefix_is_delivered_and_never_more_than_the_bound_waits(steps: list[int], bound: int) -> None:
    """0: a read; n: so many records. Either all came in time and all are delivered, or SlowReader ends a gapless prefix."""

    async def follow() -> tuple[list[int], int, bool]:
        subscription, found, sent, waiting, slow = Subscription(bound), list[int](), 0, 0, False
        for count in [*steps, 0, 0]:
            for _ in range(count):
                subscription.offer(entry(sent))
                sent, waiting = sent + 1, waiting + 1
                slow = slow or waiting > bound
            if count == 0:
                try:
                    taken = offsets(await subscription.read(0))
                except SlowReader:
                    return found, sent, slow
                assert len(taken) <= bound
                found, waiting = found + taken, 0
        return found, sent, slow

    found, sent, slow = asyncio.run(follow())

    assert found == list(range(len(found)))
    assert slow or len(found) == sent
