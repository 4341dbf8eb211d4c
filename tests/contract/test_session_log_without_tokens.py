"""The guarantees of connectors/session_log/base.py, over every backend: a history without its tokens, and what a lane's index spares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.errors import KafkaConnectionError

from connectors.kafka.ranges import read_range
from connectors.session_log import kafka, kafka_lanes, kafka_tail, lane_index
from connectors.session_log.base import Gap
from schemas.cursor import Cursor
from schemas.events import Event
from schemas.record import Position, Record
from schemas.session_id import Session
from tests.builders import CONTEXT, a_feedback, a_query, chunks_retrieved, generation_started, tokens
from tests.contract.session_logs import PATIENCE_S, Bench, read

WITH_LANES = ("kafka, lane",)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is looked up in the index, which forgets soon, and nothing is read beside it."""
    monkeypatch.setattr(kafka_lanes, "SHORT", 0)
    monkeypatch.setattr(kafka_tail, "_INDEXED", 7)
    monkeypatch.setattr(lane_index, "_NEAR", 0)


def a_turn(session: Session, number: int) -> list[Event]:
    """A question, what was found, the answer's beginning and three of its tokens, and what somebody says of it."""
    found = chunks_retrieved(session, f"q{number}")
    pieces = [tokens(found, index, "piece ") for index in range(3)]
    return [a_query(session, f"q{number}"), found, generation_started(found), *pieces, a_feedback(session, f"q{number}")]


async def told(bench: Bench, session: Session, after: Cursor | None = None, *, with_tokens: bool = False) -> list[Position | str]:
    """Where the records of a history lie; a gap's reason."""
    entries = [entry async for entry in bench.log.history(session, after, tokens=with_tokens)]
    return [entry.reason if isinstance(entry, Gap) else entry.record.position for entry in entries]


async def without_tokens(bench: Bench, session: Session, after: Cursor | None = None) -> list[Position | str]:
    """The same, as it should be."""
    entries = [entry async for entry in bench.log.history(session, after)]
    kept = [entry for entry in entries if isinstance(entry, Gap) or entry.marks.type != "TokensGenerated"]
    return [entry.reason if isinstance(entry, Gap) else entry.record.position for entry in kept]


@pytest.mark.usefixtures("small")
async def test_a_history_without_tokens_is_the_history_less_those(bench: Bench) -> None:
    """From every cursor, as the session grows, with another one's records between: what is known of it is never more, or less, than the log."""
    session = await bench.session()
    other = await bench.neighbour(session)
    cursors: list[Cursor | None] = [None]
    for number in range(6):
        for event in a_turn(session, number):
            (position,) = await bench.log.append(session, [event], CONTEXT)
            await bench.log.append(other, [a_query(other, f"q{position.offset}")], CONTEXT)
        cursors.append(await bench.cursor(session, position))
        for cursor in cursors:
            found = await told(bench, session, cursor)

            assert found == await without_tokens(bench, session, cursor)
    assert len(found) == 1
    assert len(await told(bench, session)) == 6 * 4


@pytest.mark.usefixtures("small")
async def test_what_retention_has_cut_is_a_gap_without_tokens_too(bench: Bench) -> None:
    """Though it was read before, and its place is still known."""
    session = await bench.session()
    positions = await bench.log.append(session, a_turn(session, 0), CONTEXT)
    cursor = await bench.cursor(session, positions[0])
    async with bench.log.tail(session, cursor) as tail:  # all that it has read, the lane's index knows
        await told(bench, session, cursor)
        positions += [position for number in (1, 2) for position in await bench.log.append(session, a_turn(session, number), CONTEXT)]
        await read(tail, len(positions))
        before = await told(bench, session, cursor)
    await bench.expire(session, positions[9])
    after = await told(bench, session, cursor)

    assert len(before) == 3 * 4
    assert after == ["expired", *[position for position in before if isinstance(position, Position) and position.offset >= positions[9].offset]]
    assert after == await without_tokens(bench, session, cursor)


class Counted:
    """Counts the records that are read of a lane, and may lie anywhere in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offsets = 0
        monkeypatch.setattr(kafka, "read_range", self._read)

    async def _read(self, client: object, leader: int, partition: object, start: int, end: int, keys: object) -> AsyncIterator[list[Record]]:
        self.offsets += end - start
        async for records in read_range(client, leader, partition, start, end, keys):  # type: ignore[arg-type]
            yield records


@pytest.mark.parametrize("backend", WITH_LANES, indirect=True)
async def test_in_a_lane_the_records_of_others_are_not_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those that came before somebody read back for the first time, nor those after; readers that come and go change nothing."""
    session = await bench.session()
    other = await bench.neighbour(session)
    mine = await bench.log.append(session, a_turn(session, 0), CONTEXT)
    await bench.log.append(other, [a_query(other, f"q{number}") for number in range(1_000)], CONTEXT)
    await told(bench, session)  # from now on, and for what came before, the lane's index knows
    async with bench.log.tail(session, await bench.log.end(session)):
        mine += await bench.log.append(session, a_turn(session, 1), CONTEXT)
    await bench.log.append(other, [a_query(other, f"q{number}") for number in range(1_000)], CONTEXT)
    mine += await bench.log.append(session, a_turn(session, 2), CONTEXT)
    counted = Counted(monkeypatch)
    async with asyncio.timeout(PATIENCE_S):  # until what was just written has come
        while not 0 < counted.offsets < 100:
            counted.offsets = 0
            found = await told(bench, session, await bench.cursor(session, mine[0]))

    assert found == [position for number, position in enumerate(mine) if number % 7 not in (3, 4, 5)]


@pytest.mark.parametrize("backend", WITH_LANES, indirect=True)
async def test_a_lane_that_cannot_be_looked_through_is_read_as_it_lies(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody waits for ever, or is told of it."""
    session = await bench.session()
    other = await bench.neighbour(session)
    mine = await bench.log.append(session, a_turn(session, 0), CONTEXT)
    await bench.log.append(other, [a_query(other, f"q{number}") for number in range(1_000)], CONTEXT)

    async def fail(*_: object) -> bytes:
        raise KafkaConnectionError("gone")

    monkeypatch.setattr(kafka_lanes, "fetch", fail)
    found = [await told(bench, session) for _ in range(2)]

    assert found == [[position for number, position in enumerate(mine) if number not in (3, 4, 5)]] * 2
