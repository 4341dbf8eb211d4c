"""connectors/session_log/kafka_tail.py: a tail that reads its backlog."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import pytest

from connectors.session_log.base import SessionRecord
from connectors.session_log.kafka_tail import KafkaTail
from connectors.session_log.subscription import Subscription
from schemas.errors import LogUnavailable
from tests.builders import a_query, a_record

PATIENCE_S = 20.0


def entry(offset: int) -> SessionRecord:
    record = a_record(a_query(), offset=offset)
    return SessionRecord.of(record, UUID(int=0))


async def backlog(gate: asyncio.Event) -> AsyncGenerator[list[SessionRecord], None]:
    """A batch, and after the gate another."""
    yield [entry(0)]
    await gate.wait()
    yield [entry(1)]


async def test_a_slow_backlog_does_not_hold_a_read_beyond_its_time() -> None:
    """It returns empty, so that heartbeats go out; nor does a read that is cancelled lose what was on its way."""
    gate, live = asyncio.Event(), Subscription(10)
    live.offer(entry(2))
    async with aclosing(KafkaTail(live, backlog(gate), None)) as tail:
        found = [list(await tail.read(PATIENCE_S)), list(await tail.read(0)), list(await tail.read(0.01))]
        cut = asyncio.create_task(tail.read(PATIENCE_S))
        await asyncio.sleep(0)
        cut.cancel()
        await asyncio.wait([cut])
        gate.set()
        found += [list(await tail.read(PATIENCE_S)), list(await tail.read(PATIENCE_S))]
    offsets = [[waiting.record.offset for waiting in read if isinstance(waiting, SessionRecord)] for read in found]

    assert offsets == [[0], [], [], [1], [2]]


async def test_a_tail_that_is_left_reads_its_backlog_no_more() -> None:
    """Its fetch under way is ended with it."""
    behind = backlog(asyncio.Event())
    async with aclosing(KafkaTail(Subscription(10), behind, None)) as tail:
        await tail.read(PATIENCE_S)
        await tail.read(0.01)

    assert await anext(behind, None) is None


async def test_a_backlog_that_fails_is_not_passed_over() -> None:
    """What comes live would follow a hole: every later read raises too."""

    async def failing() -> AsyncGenerator[list[SessionRecord], None]:
        yield [entry(0)]
        raise LogUnavailable()

    live = Subscription(10)
    live.offer(entry(2))
    async with aclosing(KafkaTail(live, failing(), None)) as tail:
        await tail.read(PATIENCE_S)
        for _ in range(2):
            with pytest.raises(LogUnavailable):
                await tail.read(PATIENCE_S)
