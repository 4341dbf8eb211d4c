"""streams/following.py over a journal in memory: what stands in a topic, or what is made of it, ends nobody's hearing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from connectors.journal.memory import MemoryJournal
from schemas.events import QueryCancelled
from schemas.topics import QUERIES, Topic
from streams import following as module
from streams.following import follow_from_now
from tests.builders import CONTEXT, a_cancellation


class BrokenJournal(MemoryJournal):
    """Fails once with something that nobody foresaw."""

    broken = True

    async def ends(self, topic: Topic) -> Mapping[int, int]:
        if self.broken:
            self.broken = False
            raise KeyError(topic.name)
        return await super().ends(topic)


async def heard(journal: MemoryJournal, hear: Callable[[QueryCancelled], None], until: Callable[[], object]) -> None:
    """Cancellations of q1, q2 and q3 are written while somebody follows."""
    following = asyncio.create_task(follow_from_now(journal, QUERIES, QueryCancelled, hear))
    for _ in range(30):
        await asyncio.sleep(0)
    for query_id in ("q1", "q2", "q3"):
        await journal.append(a_cancellation(query_id=query_id), CONTEXT)
    async with asyncio.timeout(5):
        while not until() and not following.done():
            await asyncio.sleep(0)
    following.cancel()
    await asyncio.wait([following])


async def test_an_event_that_its_hearer_cannot_take_is_passed_over() -> None:
    """What comes behind it is heard, and nothing twice."""
    seen: list[str] = []

    def hear(event: QueryCancelled) -> None:
        seen.append(event.query_id)
        if event.query_id == "q2":
            raise ValueError("an odd one")

    await heard(MemoryJournal(), hear, lambda: len(seen) == 3)

    assert ["q1", "q2", "q3"] == seen


async def test_whatever_fails_the_topic_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that went deaf would not know it."""
    monkeypatch.setattr(module, "_RETRY_S", 0.0)
    seen: list[str] = []
    await heard(BrokenJournal(), lambda event: seen.append(event.query_id), lambda: len(seen) == 3)

    assert ["q1", "q2", "q3"] == seen
