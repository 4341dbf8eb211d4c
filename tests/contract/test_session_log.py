"""The guarantees of connectors/session_log/base.py, over memory and Kafka, a topic per session and lanes: records, order, separation."""

from __future__ import annotations

import asyncio

import pytest

from connectors.session_log.base import SessionRecord
from schemas.codec import decode
from schemas.errors import InvalidSessionId, UnknownSession
from schemas.record import Position
from schemas.session_id import Session, new_session_id
from schemas.topics import SESSIONS, session_topic
from tests.builders import CONTEXT, a_query, chunks_retrieved, tokens
from tests.contract.session_logs import Bench, asked, history, names, read

WITH_TOPICS = ("memory, topic", "kafka, topic")


async def test_what_was_appended_is_the_history(bench: Bench) -> None:
    """In order, at the positions that append returned, each with its marks and the event as it was."""
    session = await bench.session()
    found = chunks_retrieved(session)
    events = [a_query(session), found, tokens(found, 0, "Kept", attempt=3)]
    positions = await bench.log.append(session, events, CONTEXT)
    records = [entry for entry in await history(bench.log, session) if isinstance(entry, SessionRecord)]

    assert [record.record.position for record in records] == positions
    assert [decode(record.record) for record in records] == events
    assert [record.marks.type for record in records] == ["QueryAsked", "ChunksRetrieved", "TokensGenerated"]
    assert (records[2].marks.answer, records[2].marks.attempt) == (b"a-q1", 3)


async def test_records_lie_where_the_sessions_id_says(bench: Bench) -> None:
    """In a topic of its own, or in the topic of all lanes; under the session's id as key."""
    session = await bench.session()
    (position,) = await bench.write(session, 1)
    (record,) = await history(bench.log, session)

    assert position.topic == (session_topic(*session) if session.placement == "topic" else SESSIONS.name)
    assert isinstance(record, SessionRecord)
    assert record.record.key == session.id.encode()


async def test_enqueued_records_keep_the_order_of_the_calls(bench: Bench) -> None:
    """Whenever their futures are awaited; append and enqueue may be mixed."""
    session = await bench.session()
    receipts = [await bench.log.enqueue(session, [a_query(session, f"q{number}")], CONTEXT) for number in range(50)]
    await bench.log.append(session, [a_query(session, "q50")], CONTEXT)
    offsets = [(await receipt)[0].offset for receipt in reversed(receipts)]

    assert offsets == sorted(offsets, reverse=True)
    assert names(await history(bench.log, session)) == asked(range(51))


async def test_a_tail_delivers_what_is_there_and_what_comes(bench: Bench) -> None:
    """From the first record on, from another process too; empty after the time given without any."""
    session = await bench.session()
    await bench.write(session, 3)
    async with bench.log.tail(session, None) as here, bench.elsewhere.tail(session, None) as there:
        before = [await read(here, 3), await read(there, 3), await here.read(0.05)]
        await bench.write(session, 3, start=3)
        after = [await read(here, 3), await read(there, 3), await there.read(0.05)]

    assert [names(found) for found in before] == [asked(range(3)), asked(range(3)), []]
    assert [names(found) for found in after] == [asked(range(3, 6)), asked(range(3, 6)), []]


async def test_a_tail_from_every_cursor_delivers_exactly_the_records_from_there_on(bench: Bench) -> None:
    """For each k of n, between another session's records, and with a record that comes later; so does a history."""
    session = await bench.session()
    other = await bench.neighbour(session)
    positions = []
    for number in range(6):
        positions += await bench.write(session, 1, start=number)
        await bench.write(other, 1, start=100 + number)
    cursors = [await bench.cursor(session, position) for position in positions] + [await bench.log.end(session)]
    for k, cursor in enumerate(cursors):
        there = asked(range(k, 6 + k))  # each round has added one
        past = names(await history(bench.log, session, cursor))
        async with bench.log.tail(session, cursor) as tail:
            found = names(await read(tail, 6))
            await bench.write(session, 1, start=6 + k)
            live = names(await read(tail, 1))

        assert [past, found, live] == [there, there, [f"q{6 + k}"]], k


async def test_nothing_of_a_session_lies_before_its_beginning(bench: Bench) -> None:
    """Not even before its first record is there; a history from it is whole."""
    older = await bench.session()
    await bench.write(older, 3)
    session = await bench.neighbour(older)
    beginning = await bench.log.beginning(session)
    positions = await bench.write(session, 2)

    assert beginning.offset <= positions[0].offset
    assert beginning == await bench.elsewhere.beginning(session)
    assert beginning.whole
    assert asked(range(2)) == names(await history(bench.log, session, beginning))


async def test_a_late_joiner_is_spliced_in_while_a_writer_keeps_appending(bench: Bench) -> None:
    """At any moment, beside readers that are there already: no gap, no double, in order."""
    session, total = await bench.session(), 240
    other = await bench.neighbour(session)

    async def follow(after: int) -> list[str]:
        while len(receipts) < after:
            await asyncio.sleep(0)
        cursor = await bench.cursor(session, (await receipts[after // 2])[0]) if after else None
        async with bench.log.tail(session, cursor) as tail:
            return names(await read(tail, total - after // 2))

    receipts: list[asyncio.Future[list[Position]]] = []
    readers = [asyncio.create_task(follow(after)) for after in (0, 20, 60, 61, 120, 200, 230)]
    for number in range(total):
        receipts.append(await bench.log.enqueue(session, [a_query(session, f"q{number}")], CONTEXT))
        await bench.log.enqueue(other, [a_query(other, "other")], CONTEXT)
        await asyncio.sleep(0.002)
    found = await asyncio.gather(*readers)

    for after, seen in zip((0, 20, 60, 61, 120, 200, 230), found, strict=True):
        assert seen == asked(range(after // 2, total))


async def test_readers_that_come_and_go_miss_nothing(bench: Bench) -> None:
    """Each goes on where the one before it left; nobody reads in between."""
    session, seen, offset = await bench.session(), list[str](), -1
    cursor = await bench.log.end(session)
    for number in range(15):
        receipts = [await bench.log.enqueue(session, [a_query(session, f"q{number * 2 + i}")], CONTEXT) for i in range(2)]
        async with bench.log.tail(session, cursor) as tail:
            for entry in await read(tail, 1):
                assert isinstance(entry, SessionRecord)
                seen, offset = [*seen, entry.marks.correlation], entry.record.offset
        cursor = cursor._replace(offset=offset + 1)
        await asyncio.gather(*receipts)
    seen += names(await history(bench.log, session, cursor))

    assert seen == asked(range(30))


# -------------------------------------------------------------- kept apart


async def test_sessions_side_by_side_do_not_see_each_other(bench: Bench) -> None:
    """In one lane, too: neither a tail nor a history of one holds a record of the other."""
    one = await bench.session()
    two = await bench.neighbour(one)
    async with bench.log.tail(one, None) as first, bench.log.tail(two, None) as second:
        for number in range(4):
            await bench.write(one, 1, start=number)
            await bench.write(two, 1, start=number + 10)
        found = [names(await read(first, 4)), names(await read(second, 4))]

    assert found == [asked(range(4)), asked(range(10, 14))]
    assert [names(await history(bench.log, session)) for session in (one, two)] == found


async def test_a_session_is_not_there_for_another_tenant(bench: Bench) -> None:
    """The same id under another tenant can be neither read nor written."""
    session = await bench.session("acme")
    await bench.write(session, 1)
    foreign = Session("default", session.id)

    assert not await bench.log.exists(foreign)
    for use in (_enter, _read_history, _append, _end):
        with pytest.raises((UnknownSession, InvalidSessionId)):
            await use(bench, foreign)
    assert names(await history(bench.log, session)) == ["q0"]


async def _enter(bench: Bench, session: Session) -> None:
    async with bench.log.tail(session, None):
        pass


async def _read_history(bench: Bench, session: Session) -> None:
    await history(bench.log, session)


async def _append(bench: Bench, session: Session) -> None:
    await bench.log.append(session, [a_query(session)], CONTEXT)


async def _enqueue(bench: Bench, session: Session) -> None:
    await (await bench.log.enqueue(session, [a_query(session)], CONTEXT))


async def _end(bench: Bench, session: Session) -> None:
    await bench.log.end(session)


async def _beginning(bench: Bench, session: Session) -> None:
    await bench.log.beginning(session)


@pytest.mark.parametrize("backend", WITH_TOPICS, indirect=True)
@pytest.mark.parametrize("use", [_enter, _read_history, _append, _enqueue, _end, _beginning])
async def test_a_session_that_nobody_made_is_unknown(bench: Bench, use: object) -> None:
    """For every use of it; and using it does not make it."""
    session = Session("default", new_session_id("default", "topic"))

    assert callable(use)
    with pytest.raises(UnknownSession):
        await use(bench, session)
    assert not await bench.log.exists(session)


@pytest.mark.parametrize("session_id", ["", "x", "t", "t.", "l123", "t" + "x" * 200])
async def test_what_is_no_session_id_is_refused(bench: Bench, session_id: str) -> None:
    """Before anything is made of it."""
    session = Session("default", session_id)

    assert not await bench.log.exists(session)
    with pytest.raises(InvalidSessionId):
        await bench.log.create(session)
