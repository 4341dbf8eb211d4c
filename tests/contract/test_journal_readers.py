"""The guarantees of connectors/journal/base.py to those who read: followers, those who share a topic, and what is past."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import aclosing

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import NodeNotReadyError
from aiokafka.structs import TopicPartition

from connectors.journal.base import Follower, Journal, Share, reached
from connectors.journal.kafka import KafkaFollower
from schemas.record import Position, Record
from schemas.topics import QUERIES, RETRIEVALS
from tests.builders import CONTEXT, a_query, a_session, chunks_retrieved
from tests.contract import journals
from tests.contract.journals import PATIENCE_S, Bench, by_key, read, since

# Instead of conftest.py's `bench`, which is the session log's.
broker_settings, bench = journals.broker_settings, journals.bench


async def test_a_follower_delivers_every_record_from_its_start_on_exactly_once(bench: Bench) -> None:
    """What is there and what comes, in order of offset within a partition; its positions say where it stands; empty when nothing comes."""
    start = await bench.journal.ends(QUERIES)
    early = await bench.journal.append_all([a_query(a_session()) for _ in range(30)], CONTEXT)
    async with bench.elsewhere.follow(QUERIES, start) as follower:
        found = await read(follower, 30)
        late = await bench.journal.append_all([a_query(a_session()) for _ in range(30)], CONTEXT)
        found += await read(follower, 30)
        quiet = await follower.read(0.05)

        assert dict(follower.positions) == dict(await bench.journal.ends(QUERIES))

    assert sorted(record.position for record in found) == sorted(early + late)
    for number in start:
        offsets = [record.offset for record in found if record.partition == number]
        assert offsets == sorted(offsets)
    assert list(quiet) == []


async def test_a_follower_goes_on_where_another_stood(bench: Bench) -> None:
    """Its positions are a start."""
    start, found = await bench.journal.ends(QUERIES), list[Record]()
    written = []
    for _ in range(4):
        written += await bench.journal.append_all([a_query(a_session()) for _ in range(5)], CONTEXT)
        async with bench.journal.follow(QUERIES, start) as follower:
            found += await read(follower, 5)
            start = dict(follower.positions)

    assert sorted(record.position for record in found) == sorted(written)


async def test_a_follower_without_a_start_begins_at_the_beginning(bench: Bench) -> None:
    """Of every partition; also one whose start names only some partitions begins at the others' beginning."""
    positions = await bench.journal.append_all([a_query(a_session()) for _ in range(10)], CONTEXT)
    ends = await bench.journal.ends(QUERIES)
    partial = {positions[0].partition: ends[positions[0].partition]}
    async with bench.journal.follow(QUERIES) as all_of_it, bench.journal.follow(QUERIES, partial) as rest:
        everything, others = await _up_to(all_of_it, ends), await _up_to(rest, ends)

    assert set(positions) <= {record.position for record in everything}
    assert [record.position for record in others] == [position for position in map(_position, others) if position.partition not in partial]
    assert {position for position in positions if position.partition not in partial} <= set(map(_position, others))


async def test_what_is_past_comes_once_from_its_start_to_its_end(bench: Bench) -> None:
    """Not what was written behind the end; of each partition in order; each part says how far it goes."""
    start = await bench.journal.ends(QUERIES)
    wanted = await bench.journal.append_all([a_query(a_session()) for _ in range(40)], CONTEXT)
    end = await bench.journal.ends(QUERIES)
    await bench.journal.append_all([a_query(a_session()) for _ in range(40)], CONTEXT)
    found, reached = list[Position](), dict(start)
    async with aclosing(bench.elsewhere.past(QUERIES, start, end)) as stretches:
        async for stretch in stretches:
            found += [record.position for record in stretch.records]
            reached[stretch.partition] = stretch.behind

    assert sorted(wanted) == sorted(found)
    assert [sorted(found, key=lambda position: position.partition)] == [sorted(found)]
    assert end == reached


def _position(record: Record) -> Position:
    return record.position


async def _up_to(follower: Follower, ends: Mapping[int, int]) -> list[Record]:
    found: list[Record] = []
    while not reached(follower.positions, ends):
        records = await follower.read(PATIENCE_S)
        assert records
        found += records
    return found


async def test_followers_do_not_disturb_each_other(bench: Bench) -> None:
    """Outside any consumer group: each gets all."""
    start = await bench.journal.ends(RETRIEVALS)
    async with bench.journal.follow(RETRIEVALS, start) as one, bench.elsewhere.follow(RETRIEVALS, start) as two:
        waiting = [asyncio.create_task(read(follower, 3)) for follower in (one, two)]
        await bench.journal.append_all([chunks_retrieved(a_session()) for _ in range(3)], CONTEXT)
        found = await asyncio.gather(*waiting)

    assert sorted(map(_position, found[0])) == sorted(map(_position, found[1]))


async def taken(share: Share, count: int) -> list[Record]:
    """So many records or more."""
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            found += await share.read(0.5)
    return found


async def test_who_shares_a_topic_goes_on_where_the_others_stood(bench: Bench) -> None:
    """What was committed does not come again, what was read only does; another name begins at the beginning."""
    group, ends = f"g-{uuid.uuid4().hex}", await bench.journal.ends(QUERIES)
    before = sum(ends.values()) - sum((await bench.journal.starts(QUERIES)).values())
    await bench.journal.append_all([a_query(query_id="q1"), a_query(query_id="q2")], CONTEXT)
    async with bench.journal.share(QUERIES, group) as share:
        await taken(share, before + 2)
        await share.commit()
        await bench.journal.append(a_query(query_id="q3"), CONTEXT)
        read_only = await taken(share, 1)
        noted = await share.noted()
    async with bench.elsewhere.share(QUERIES, group) as share:
        again = await taken(share, 1)
        await share.commit()
        caught_up = await share.noted()
    async with bench.elsewhere.share(QUERIES, f"{group}-other") as share:
        everything = await taken(share, before + 3)

    assert [record.header("correlation") for record in again] == ["q3"]
    assert again == read_only
    assert sum(noted.values()) == sum(caught_up.values()) - 1
    assert caught_up == await bench.journal.ends(QUERIES) == await bench.journal.noted(QUERIES, group)
    assert set((await bench.journal.noted(QUERIES, f"{group}-nobody")).values()) == {0}
    assert len(everything) == before + 3


async def test_who_shares_a_topic_reads_each_record_once_between_them(bench: Bench) -> None:
    """Two at once, and one that leaves: its partitions go to the other."""
    group = f"g-{uuid.uuid4().hex}"
    start = await bench.journal.ends(QUERIES)
    found: list[str] = []

    async def read(journal: Journal, until: int) -> None:
        async with journal.share(QUERIES, group) as share:
            while len(found) < until:
                records = await share.read(0.2)
                found.extend(record.header("correlation") or "" for record in records if record.offset >= start[record.partition])
                await share.commit()

    await bench.journal.append_all([a_query(a_session(), query_id=f"a{number}") for number in range(50)], CONTEXT)
    async with asyncio.timeout(3 * PATIENCE_S):
        await asyncio.gather(read(bench.journal, 50), read(bench.elsewhere, 50))
        await bench.journal.append_all([a_query(a_session(), query_id=f"b{number}") for number in range(50)], CONTEXT)
        await read(bench.elsewhere, 100)

    assert set(found) == {f"{letter}{number}" for letter in "ab" for number in range(50)}


# ----------------------------------------------------- what only a server has


@pytest.mark.parametrize("broker_settings", ["kafka"], indirect=True)
async def test_a_follower_whose_broker_is_away_can_be_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves it is not cancelled with its fetches, which pause, and its connections are closed."""
    async with bench.journal.follow(QUERIES) as follower:
        assert isinstance(follower, KafkaFollower)
        client = follower._consumer._client
        monkeypatch.setattr(client, "send", broken_off)
        await follower.read(0.3)

    assert client._sync_task is None


async def broken_off(*_: object) -> None:
    """What a client's request comes to when there is no broker."""
    raise NodeNotReadyError


@pytest.mark.parametrize("broker_settings", ["kafka"], indirect=True)
async def test_offsets_that_retention_has_cut_mean_the_first_kept_record(bench: Bench) -> None:
    """A follower that was away for too long goes on with what there is."""
    assert bench.settings is not None
    start = await bench.journal.ends(QUERIES)
    session = a_session()
    positions = await bench.journal.append_all([a_query(session, f"q{number}") for number in range(4)], CONTEXT)
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.settings.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(QUERIES.name, positions[0].partition): RecordsToDelete(before_offset=positions[2].offset)})
    await admin.close()

    assert by_key(await since(bench.journal, QUERIES, start, 2)) == {session.id: ["q2", "q3"]}
    async with aclosing(bench.journal.past(QUERIES, start, await bench.journal.ends(QUERIES))) as stretches:
        assert by_key([record async for stretch in stretches for record in stretch.records]) == {session.id: ["q2", "q3"]}
