"""The journal's backends as the contract suites see them: two processes on one journal, and what a follower reads of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

import pytest

from connectors.journal.base import Follower, Journal
from connectors.journal.kafka import KafkaJournal
from connectors.journal.memory import MemoryJournal
from schemas.record import Record
from schemas.settings import Settings
from schemas.topics import Topic

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
