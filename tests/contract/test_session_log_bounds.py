"""The guarantees of connectors/session_log/base.py, over every backend. Gaps, bounds, beginning and end of a session."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from connectors.session_log.base import Gap, SessionRecord
from connectors.session_log.kafka import KafkaSessionLog
from schemas.errors import LogUnavailable, SlowReader, UnknownSession
from schemas.session_id import Session, new_session_id
from tests.builders import CONTEXT, a_query
from tests.contract.session_logs import PATIENCE_S, Backend, Bench, asked, history, lose_count, names, open_bench, read

WITH_TOPICS = ("memory, topic", "kafka, topic")


# --------------------------------------------------------------------- gaps


async def test_a_cursor_into_what_retention_cut_yields_a_gap_and_then_what_is_kept(bench: Bench) -> None:
    """One gap, first, that says where it resumes; in tails and histories; not for a cursor at the first kept record."""
    session = await bench.session()
    positions = await bench.write(session, 6)
    cursors = [await bench.cursor(session, position) for position in positions]
    await bench.expire(session, positions[4])
    for k, cursor in enumerate(cursors):
        expected = [*(["expired"] if k < 4 else []), *asked(range(max(k, 4), 6))]
        async with bench.log.tail(session, cursor) as tail:
            found = await read(tail, len(expected))
        past = await history(bench.log, session, cursor)

        assert [names(found), names(past)] == [expected, expected]
        if k < 4:
            assert found[0] == past[0] == Gap(cursor, cursors[4], "expired")


async def test_without_a_cursor_what_is_kept_is_delivered_without_a_gap(bench: Bench) -> None:
    """Nobody asked for what is gone."""
    session = await bench.session()
    positions = await bench.write(session, 4)
    await bench.expire(session, positions[3])
    async with bench.log.tail(session, None) as tail:
        found = names(await read(tail, 1))

    assert [found, names(await history(bench.log, session))] == [["q3"], ["q3"]]


async def test_a_cursor_beyond_the_end_yields_a_gap(bench: Bench) -> None:
    """A log that lost its end, by a disaster, does not make readers wait for offsets that come again."""
    session = await bench.session()
    await bench.write(session, 2)
    end = await bench.log.end(session)
    beyond = end._replace(offset=end.offset + 5)

    assert names(await history(bench.log, session, beyond)) == ["expired", "q0", "q1"]


@pytest.mark.parametrize("backend", WITH_TOPICS, indirect=True)
async def test_a_session_made_again_under_its_old_id_yields_a_gap(bench: Bench) -> None:
    """A cursor of the first does not count in the second, wherever it points; a new cursor does."""
    session = await bench.session()
    positions = await bench.write(session, 3)
    cursors = [await bench.cursor(session, positions[0]), await bench.log.end(session)]
    await bench.log.forget(session)
    created = await bench.log.create(session)
    await bench.write(session, 4, start=10)
    for cursor in cursors:
        async with bench.log.tail(session, cursor) as tail:
            found = await read(tail, 5)

        assert names(found) == ["recreated", *asked(range(10, 14))]
        assert found[0] == Gap(cursor, created, "recreated")
        assert names(await history(bench.log, session, cursor)) == names(found)
    assert names(await history(bench.log, session, created)) == asked(range(10, 14))


# ------------------------------------------------------------------- bounds


async def test_a_reader_that_does_not_read_is_ended_and_the_others_are_not(backend: Backend) -> None:
    """What had come within the bound is still delivered; then SlowReader."""
    async with open_bench(backend, queue_records=20) as bench:
        session = await bench.session()
        async with bench.log.tail(session, None) as slow, bench.log.tail(session, None) as quick:
            for number in range(25):
                await bench.write(session, 1, start=number)
                assert names(await read(quick, 1)) == [f"q{number}"]
            found = names(await read(slow, 20))
            with pytest.raises(SlowReader):
                await slow.read(PATIENCE_S)

    assert found == asked(range(20))


async def test_a_long_past_does_not_make_a_reader_slow(backend: Backend) -> None:
    """The bound is for what comes while it reads."""
    async with open_bench(backend, queue_records=20) as bench:
        session = await bench.session()
        await bench.log.append(session, [a_query(session, f"q{number}") for number in range(60)], CONTEXT)
        async with bench.log.tail(session, None) as tail:
            await bench.write(session, 1, start=60)
            found = names(await read(tail, 61))

    assert found == asked(range(61))


async def test_a_history_ends_where_the_log_ended_when_it_began(bench: Bench) -> None:
    """What is appended while it is read does not belong to it."""
    session = await bench.session()
    await bench.write(session, 5)
    found: list[SessionRecord | Gap] = []
    async for entry in bench.log.history(session):
        found.append(entry)
        await bench.write(session, 1, start=50)

    assert names(found) == asked(range(5))


async def test_a_long_history_is_whole(bench: Bench) -> None:
    """Over many fetches, as a lane's is with all that others wrote between."""
    session = await bench.session()
    other = await bench.neighbour(session)
    text = "x" * 50_000
    for number in range(120):
        receipt = await bench.log.enqueue(session, [a_query(session, f"q{number}", text=text)], CONTEXT)
        await bench.log.enqueue(other, [a_query(other, text=text)], CONTEXT)
    await receipt

    assert names(await history(bench.log, session)) == asked(range(120))


@pytest.mark.parametrize("backend", ["kafka, topic", "kafka, lane"], indirect=True)
async def test_a_writer_that_has_lost_count_is_replaced(bench: Bench) -> None:
    """As after a batch that expired in an outage: what is sent at once fails together, what comes later is written; never a hole between."""
    session = await bench.session()
    (first,) = await bench.write(session, 1)
    assert isinstance(bench.log, KafkaSessionLog)
    lose_count(bench.log._producer, first)
    receipts = [await bench.log.enqueue(session, [a_query(session, f"lost{number}")], CONTEXT) for number in range(3)]
    failures = await asyncio.gather(*receipts, return_exceptions=True)
    written = await asyncio.gather(*[bench.log.append(session, [a_query(session, f"q{number}")], CONTEXT) for number in range(1, 5)])

    assert [type(failure) for failure in failures] == [LogUnavailable] * 3
    assert names(await history(bench.elsewhere, session)) == asked(range(5))
    assert sorted(written) == written


# --------------------------------------------------------- create, forget, end


async def test_creating_and_forgetting_may_be_repeated(bench: Bench) -> None:
    """A second create keeps what is there; a second forget does nothing."""
    session = await bench.session()
    await bench.write(session, 2)
    await bench.elsewhere.create(session)
    kept = names(await history(bench.log, session))
    await bench.log.forget(session)
    await bench.log.forget(session)
    await bench.elsewhere.forget(session)

    assert kept == asked(range(2))
    assert await bench.log.exists(session) == (session.placement == "lane")


async def test_two_processes_may_create_the_same_session_at_once(bench: Bench) -> None:
    """Both get the cursor of the one that came to be."""
    session = Session("default", new_session_id("default", bench.backend.placement))
    cursors = await asyncio.gather(bench.log.create(session), bench.elsewhere.create(session))
    await bench.write(session, 1)

    assert len(set(cursors)) == 1
    assert names(await history(bench.elsewhere, session, cursors[0])) == ["q0"]


async def test_the_cursor_of_a_new_session_is_that_of_its_first_record(bench: Bench) -> None:
    """Also in a lane where others have written before."""
    session = await bench.session()
    other = await bench.neighbour(session)
    await bench.write(session, 3)
    cursor = await bench.log.create(other)
    await bench.write(other, 2)

    assert names(await history(bench.log, other, cursor)) == asked(range(2))


@pytest.mark.parametrize("backend", WITH_TOPICS, indirect=True)
async def test_forgetting_ends_the_readers_and_the_writers(bench: Bench) -> None:
    """Also those of another process, that had it in memory; what had come is still delivered."""
    session = await bench.session()
    await bench.elsewhere.append(session, [a_query(session, "q0")], CONTEXT)
    async with bench.log.tail(session, None) as here, bench.elsewhere.tail(session, None) as there:
        found = [names(await read(tail, 1)) for tail in (here, there)]
        await bench.log.forget(session)
        for tail in (here, there):
            with pytest.raises(UnknownSession):
                await tail.read(PATIENCE_S)
        for log in (bench.log, bench.elsewhere):
            with pytest.raises(UnknownSession):
                await log.append(session, [a_query(session, "q1")], CONTEXT)
            with pytest.raises(UnknownSession):
                await history(log, session)

    assert found == [["q0"], ["q0"]]
    assert not await bench.elsewhere.exists(session)


@pytest.mark.parametrize("backend", WITH_TOPICS, indirect=True)
async def test_a_reader_of_a_session_that_is_made_again_at_once_does_not_read_on_in_the_new_one(bench: Bench) -> None:
    """Its cursor would be wrong: it is ended, and comes back to a gap."""
    session = await bench.session()
    await bench.write(session, 3)
    async with bench.log.tail(session, None) as tail, bench.elsewhere.tail(session, None) as there:
        await read(tail, 3)
        await read(there, 3)
        await bench.log.forget(session)
        await bench.log.create(session)
        await bench.write(session, 6, start=10)
        async with bench.log.tail(session, None) as anew, bench.elsewhere.tail(session, None) as anew_there:
            found = [names(await read(new, 6)) for new in (anew, anew_there)]
        for old in (tail, there):
            with pytest.raises(UnknownSession):
                await old.read(PATIENCE_S)

    assert found == [asked(range(10, 16))] * 2


@pytest.mark.parametrize("tailed", [False, True])
async def test_what_is_written_later_lies_at_or_after_the_end(bench: Bench, tailed: bool) -> None:
    """Whoever takes the end before a write finds the write; with a reader in the process and without."""
    session = await bench.session()
    reader = asyncio.create_task(_drain(bench, session)) if tailed else None
    for number in range(10):
        end = await bench.log.end(session)
        await bench.write(session, 1, start=number)

        assert names(await history(bench.elsewhere, session, end))[-1] == f"q{number}"
        async with bench.elsewhere.tail(session, end) as tail:
            assert f"q{number}" in names(await read(tail, 1))
    if reader is not None:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


async def _drain(bench: Bench, session: Session) -> None:
    async with bench.log.tail(session, None) as tail:
        while True:
            await tail.read(0.5)
