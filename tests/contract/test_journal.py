"""The guarantees of connectors/journal/base.py, over every backend: memory and Kafka."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import NodeNotReadyError
from aiokafka.structs import TopicPartition

from connectors.journal.base import Follower, Journal, Share, reached
from connectors.journal.kafka import KafkaFollower, KafkaJournal
from connectors.journal.memory import MemoryJournal
from schemas.codec import decode
from schemas.errors import InvalidInput, LogUnavailable
from schemas.record import Position, Record
from schemas.settings import Settings
from schemas.topics import CHUNKS, JOURNAL, QUERIES, RETRIEVALS, Topic
from tests.builders import CONTEXT, a_feedback, a_query, a_session, chunks_retrieved
from tests.contract.session_logs import lose_count

PATIENCE_S = 20.0  # for what must come; only a broken backend takes so long


class Bench(NamedTuple):
    """Two processes on one journal. Its topics hold what other tests wrote: each looks at what came since it began."""

    journal: Journal
    elsewhere: Journal
    settings: Settings | None


@pytest.fixture(params=["memory", "kafka"])
def broker_settings(request: pytest.FixtureRequest) -> Settings | None:
    return request.getfixturevalue("settings") if request.param == "kafka" else None


@pytest.fixture
async def bench(broker_settings: Settings | None) -> AsyncIterator[Bench]:
    if broker_settings is None:
        async with MemoryJournal() as journal:
            yield Bench(journal, journal, None)
        return
    async with KafkaJournal(broker_settings) as journal, KafkaJournal(broker_settings) as elsewhere:
        yield Bench(journal, elsewhere, broker_settings)


async def read(follower: Follower, count: int) -> list[Record]:
    """So many records."""
    found: list[Record] = []
    while len(found) < count:
        records = await follower.read(PATIENCE_S)
        assert records, f"only {found} came"
        found += records
    return found


async def since(journal: Journal, topic: Topic, start: Mapping[int, int], count: int) -> list[Record]:
    async with journal.follow(topic, start) as follower:
        return await read(follower, count)


def by_key(records: Sequence[Record]) -> dict[str, list[str]]:
    """Query ids under each key, as they came."""
    found: dict[str, list[str]] = {}
    for record in records:
        found.setdefault((record.key or b"").decode(), []).append(record.header("correlation") or "")
    return found


async def test_an_event_goes_to_its_topic_under_its_subject(bench: Bench) -> None:
    """Each to the topic that schemas/topics.py names; read by another process it is the event as it was, with its headers."""
    session = a_session()
    for event in (a_query(session), chunks_retrieved(session), a_feedback(session)):
        topic = JOURNAL[type(event)]
        start = await bench.journal.ends(topic)
        position = await bench.journal.append(event, CONTEXT)
        (record,) = await since(bench.elsewhere, topic, start, 1)

        assert record.position == position
        assert (record.topic, record.key, decode(record)) == (topic.name, session.id.encode(), event)
        assert (record.header("ce_type"), record.header("traceparent")) == (event.type, CONTEXT.traceparent)


async def test_records_of_one_key_keep_their_order(bench: Bench) -> None:
    """Over appends of one and of many, between those of other keys; each key in one partition."""
    sessions, start = [a_session() for _ in range(5)], await bench.journal.ends(QUERIES)
    for number in range(6):
        await bench.journal.append_all([a_query(session, f"q{number}") for session in sessions for _ in range(2)], CONTEXT)
        await bench.journal.append(a_query(sessions[0], f"alone{number}"), CONTEXT)
    found = await since(bench.elsewhere, QUERIES, start, 66)

    assert by_key(found) == {
        session.id: [query_id for number in range(6) for query_id in [*[f"q{number}"] * 2, *([f"alone{number}"] if session is sessions[0] else [])]]
        for session in sessions
    }
    for session in sessions:
        assert len({record.partition for record in found if record.key == session.id.encode()}) == 1


async def test_positions_are_where_the_records_lie(bench: Bench) -> None:
    """In the order of the events, not of their partitions."""
    sessions, start = [a_session() for _ in range(20)], await bench.journal.ends(QUERIES)
    positions = await bench.journal.append_all([a_query(session) for session in sessions], CONTEXT)
    records = {record.position: record for record in await since(bench.journal, QUERIES, start, 20)}

    assert [records[position].key for position in positions] == [session.id.encode() for session in sessions]


async def test_nothing_to_append_is_nothing(bench: Bench) -> None:
    """No record, no error."""
    before = await bench.journal.ends(QUERIES)

    assert await bench.journal.append_all([], CONTEXT) == []
    assert await bench.journal.ends(QUERIES) == before


async def test_the_ends_lie_behind_the_last_records(bench: Bench) -> None:
    """One more for each record of the partition; all partitions are named."""
    before = await bench.journal.ends(QUERIES)
    positions = await bench.journal.append_all([a_query(a_session()) for _ in range(20)], CONTEXT)
    after = await bench.elsewhere.ends(QUERIES)

    assert before.keys() == after.keys()
    assert {number: after[number] - before[number] for number in after} == {
        number: sum(position.partition == number for position in positions) for number in after
    }


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


def _texts(record: Record) -> dict[str, str | None]:
    return {name: record.header(name) for name, _ in record.headers}


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


async def test_retracting_writes_a_null_record_under_each_key(bench: Bench) -> None:
    """What takes a key out of a compacted topic; it says who wrote it."""
    session, start = a_session(), await bench.journal.ends(CHUNKS)
    positions = await bench.journal.retract(CHUNKS, [f"{session.id}#0", f"{session.id}#1"], CONTEXT)
    found = {record.position: record for record in await since(bench.elsewhere, CHUNKS, start, 2)}

    assert [found[position].key for position in positions] == [f"{session.id}#0".encode(), f"{session.id}#1".encode()]
    assert [(record.value, record.header("ce_source")) for record in found.values()] == [(None, CONTEXT.source)] * 2


async def test_a_tombstone_is_a_cloud_event_that_says_what_it_came_from(bench: Bench) -> None:
    """As every derived record does; its tenant is the key's, where that names one."""
    key, cause, start = f"acme/{a_session().id}#0", Position("documents", 2, 7), await bench.journal.ends(CHUNKS)
    await bench.journal.retract(CHUNKS, [key, "alone"], CONTEXT._replace(causation=cause))
    found = {(record.key or b"").decode(): _texts(record) for record in await since(bench.elsewhere, CHUNKS, start, 2)}

    assert datetime.fromisoformat(found[key].pop("ce_time") or "").tzinfo is not None
    assert found[key] == {
        "ce_specversion": "1.0",
        "ce_id": f"{key}:gone",
        "ce_type": "Tombstone",
        "ce_source": CONTEXT.source,
        "ce_subject": key,
        "traceparent": CONTEXT.traceparent,
        "tenant": "acme",
        "correlation": key,
        "causation": str(cause),
    }
    assert found["alone"]["tenant"] == "default"


# ----------------------------------------------------- what only a server has


@pytest.mark.parametrize("broker_settings", ["kafka"], indirect=True)
async def test_a_producer_that_has_lost_count_is_replaced(bench: Bench) -> None:
    """As after a batch that expired in an outage: one append fails, those after it are written, in order."""
    session, start = a_session(), await bench.journal.ends(QUERIES)
    written = [await bench.journal.append(a_query(session, "q0"), CONTEXT)]
    assert isinstance(bench.journal, KafkaJournal)
    lose_count(bench.journal._producer, written[0])
    with pytest.raises(LogUnavailable, match="OutOfOrder"):
        await bench.journal.append(a_query(session, "lost"), CONTEXT)
    written += [await bench.journal.append(a_query(session, f"q{number}"), CONTEXT) for number in range(1, 4)]
    found = await since(bench.elsewhere, QUERIES, start, 4)

    assert by_key(found) == {session.id: ["q0", "q1", "q2", "q3"]}
    assert [record.position for record in found] == written


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


@pytest.mark.parametrize("broker_settings", ["kafka"], indirect=True)
async def test_a_topic_that_is_missing_is_said_to_be(bench: Bench) -> None:
    """With what to do about it; it is not made by asking."""
    missing = Topic("no-such-topic", "key", (), "missing")
    for use in (bench.journal.ends(missing), bench.journal.follow(missing).__aenter__()):
        with pytest.raises(LogUnavailable, match="no-such-topic is missing"):
            await use


@pytest.mark.parametrize("broker_settings", ["kafka"], indirect=True)
async def test_a_record_that_is_too_large_is_refused_for_good(bench: Bench) -> None:
    """No try will make it smaller: it must not look like a log that is away. The next record goes through."""
    with pytest.raises(InvalidInput, match="larger than its topic takes"):
        await bench.journal.append(a_query(a_session(), text="x" * 2_000_000), CONTEXT)
    await bench.journal.append(a_query(a_session()), CONTEXT)


async def test_the_first_kept_offset_and_the_first_since_a_time(bench: Bench) -> None:
    """What bounds a replay: where the log begins, and where it stood at a time. Nothing was written in the future."""
    before = await bench.journal.ends(QUERIES)
    written = [await bench.journal.append(a_query(query_id=f"since-{number}"), CONTEXT) for number in range(2)]
    first, second = await records_from(bench, before, 2)
    since = await bench.journal.since(QUERIES, first.timestamp)

    assert since[written[0].partition] <= written[0].offset <= second.offset
    assert await bench.journal.since(QUERIES, second.timestamp + 3_600_000) == await bench.journal.ends(QUERIES)
    assert all(start <= before[number] for number, start in (await bench.journal.starts(QUERIES)).items())


async def test_a_topics_epoch_stays_while_the_topic_does(bench: Bench) -> None:
    """Every process sees the same one, whatever is written."""
    before = await bench.journal.epoch(QUERIES)
    await bench.journal.append(a_query(), CONTEXT)

    assert before == await bench.elsewhere.epoch(QUERIES)


async def records_from(bench: Bench, start: Mapping[int, int], count: int) -> list[Record]:
    async with bench.journal.follow(QUERIES, start) as follower:
        return await read(follower, count)


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
