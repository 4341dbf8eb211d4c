"""A question that has its first answer, and a worker that is asked for another one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.events import TERMINAL, AnswerEvent, Event
from schemas.record import Record
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import DEAD_LETTERS, QUERIES, RETRIEVALS, Topic
from streams.answering.speakers import Speakers
from streams.chunk_index import ChunkIndex
from streams.ports import Ports
from streams.step import Frame, Policy, Step
from streams.steps import answer_failure, on_query, on_retrieval
from tests.builders import CONTEXT, ScriptedModel, a_query, chunks_retrieved, events_of
from tests.unit.streams.answering.bench import speaking

SESSION = Session("default", "t1")
FOUND = chunks_retrieved(SESSION)
SAID = ("Kept ", "for ", "ever ", "[1].")


class Bench:
    """A worker's frames over ports in memory. Its models are opened as their settings say, and remembered."""

    def __init__(self, model: ScriptedModel | None = None, session_log: MemorySessionLog | None = None, **changed: Any) -> None:
        self.journal, self.session_log, self.opened = MemoryJournal(), session_log or MemorySessionLog(), list[Settings]()
        self.model = model or ScriptedModel(SAID)
        index = ChunkIndex(vectors=None, keywords=None, embedder_name="none")
        speakers = {"speakers": Speakers(Settings(), self._open)}
        ports = speaking(self.session_log, self.model) | speakers
        self.ports = Ports(Settings(**changed), self.session_log, None, None, index, **ports)  # type: ignore[arg-type]
        self._done = {QUERIES.name: 0, RETRIEVALS.name: 0}

    async def answered(self) -> Bench:
        """With a question that has its first answer. What was found for it is FOUND, as if there were an index."""
        await self.session_log.create(SESSION)
        await self.session_log.append(SESSION, [a_query(SESSION)], CONTEXT)
        await self.journal.append_all([FOUND], CONTEXT)
        await self.work()
        return self

    async def ask(self, event: Event) -> None:
        """Written to `queries`, and worked on with all that comes of it."""
        await self.journal.append(event, CONTEXT)
        await self.work()

    async def work(self, **delivery: Any) -> None:
        """All that lies there and was not worked on."""
        for topic, run in ((QUERIES, on_query), (RETRIEVALS, on_retrieval)):
            for record in self.journal.records(topic)[self._done[topic.name] :]:
                self._done[topic.name] += 1
                await self.deliver(topic, run, record, **delivery)

    async def deliver(self, topic: Topic, run: Callable[..., Any], record: Record, *, redelivered: bool = False, generation: int = 1) -> None:
        step = Step("test", topic, partial(run, ports=self.ports), answer_failure)
        frame = Frame(step, journal=self.journal, session_log=self.session_log, policy=Policy(1, 5.0))
        await frame.work(record, redelivered=redelivered, generation=generation)

    async def events(self) -> list[Event]:
        return await events_of(self.session_log, SESSION)

    async def of(self, answer_id: str) -> list[AnswerEvent]:
        """An answer's own events."""
        return [event for event in await self.events() if isinstance(event, AnswerEvent) and event.answer_id == answer_id]

    async def end(self, answer_id: str) -> Event:
        """The one that ended it."""
        (end,) = [event for event in await self.of(answer_id) if event.type in TERMINAL]
        return end

    def letters(self) -> int:
        return len(self.journal.records(DEAD_LETTERS))

    def _open(self, name: str, settings: Settings) -> ScriptedModel:
        self.opened.append(settings)
        return self.model


@pytest.fixture
async def bench() -> Bench:
    return await Bench().answered()
