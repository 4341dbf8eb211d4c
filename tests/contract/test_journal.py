"""The guarantees of connectors/journal/base.py, over every backend: memory and Kafka; test_journal_readers.py has those to readers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from connectors.journal.kafka import KafkaJournal
from schemas.codec import decode
from schemas.errors import InvalidInput, LogUnavailable
from schemas.record import Position, Record
from schemas.topics import CHUNKS, JOURNAL, QUERIES, Topic
from tests.builders import CONTEXT, a_feedback, a_query, a_session, chunks_retrieved
from tests.contract import journals
from tests.contract.journals import Bench, by_key, read, since
from tests.contract.session_logs import lose_count

# Instead of conftest.py's `bench`, which is the session log's.
broker_settings, bench = journals.broker_settings, journals.bench


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


def _texts(record: Record) -> dict[str, str | None]:
    return {name: record.header(name) for name, _ in record.headers}


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
