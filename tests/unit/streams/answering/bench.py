"""A session that was asked something, and workers that answer it, over logs in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from connectors.journal.memory import MemoryJournal
from connectors.language_model.base import LanguageModel, Prompt
from connectors.session_log.base import SessionLog
from connectors.session_log.memory import MemorySessionLog
from schemas.events import ChunksRetrieved, Event
from schemas.record import Position
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import RETRIEVALS
from streams.answering.answer_cache import AnswerCache
from streams.answering.brief import Brief
from streams.answering.conversation import Conversations
from streams.answering.moderation import NOBODY, Moderation
from streams.answering.speaker import Speaker
from streams.answering.speakers import Speakers
from streams.cancellations import Cancellations
from streams.chunk_index import ChunkIndex
from streams.generation import generate
from streams.outlet import Output
from streams.ports import Ports
from streams.step import Delivery, Frame, Policy, Step
from streams.steps import answer_failure, on_retrieval
from tests.builders import (
    CONTEXT,
    Resumes,
    ScriptedModel,
    a_query,
    a_record,
    as_read,
    chunks_retrieved,
    events_of,
    records_of,
)

SESSION = Session("default", "t1")
FOUND = chunks_retrieved(SESSION)
SAID = ("Kept ", "for ", "ever ", "[1].", " Or ", "thirty ", "days ", "[2].")
TEXT = "".join(SAID)
RESUMES: tuple[Resumes, ...] = ("rerun", "prefix", "restart")


class Bench:
    """A session that was asked something, and workers that answer."""

    def __init__(self, found: ChunksRetrieved = FOUND, settings: Settings | None = None, moderation: Moderation = NOBODY) -> None:
        self.session_log, self.journal, self.cancellations = MemorySessionLog(), MemoryJournal(), Cancellations()
        self.answers = AnswerCache()
        self.found, self.settings, self.moderation = found, settings or Settings(), moderation

    async def asked(self) -> Bench:
        await self.session_log.create(SESSION)
        await self.session_log.append(SESSION, [a_query(SESSION)], CONTEXT)
        return self

    async def write(self, *events: Event) -> None:
        await self.session_log.append(SESSION, events, CONTEXT)

    async def answer(self, model: ScriptedModel, *others: ScriptedModel, generation: int = 1, redelivered: bool = False, tries: int = 1) -> None:
        """A worker of that consumer generation meets the ChunksRetrieved. `others` answer when the model fails."""
        index = ChunkIndex(vectors=None, keywords=None, embedder_name="none")
        ports = Ports(
            self.settings.model_copy(update={"fallback_models": tuple(map(str, range(len(others))))}),
            self.session_log,
            chunker=None,  # type: ignore[arg-type]
            embedder=None,
            index=index,
            answers=self.answers,
            moderation=self.moderation,
            **speaking(self.session_log, model, self.cancellations, others),
        )

        async def run(event: Event, delivery: Delivery):  # type: ignore[no-untyped-def]
            async for output in on_retrieval(event, delivery, ports=ports):
                yield output

        frame = Frame(
            Step("generate", RETRIEVALS, run, answer_failure), journal=self.journal, session_log=self.session_log, policy=Policy(tries, 5.0)
        )
        await frame.work(a_record(self.found, "retrievals"), redelivered=redelivered, generation=generation)

    async def events(self) -> list[Event]:
        return await events_of(self.session_log, SESSION)

    async def read(self) -> tuple[str, list[Event]]:
        return as_read(await records_of(self.session_log.history(SESSION)))


async def one_whole_answer(resumes: Resumes) -> list[Event]:
    bench = await Bench().asked()
    await bench.answer(ScriptedModel(SAID, resumes))
    return (await bench.events())[2:]


def speaking(
    session_log: SessionLog, model: LanguageModel, cancellations: Cancellations | None = None, others: Sequence[LanguageModel] = ()
) -> dict[str, Any]:
    """Ports of those who answer. `others` have numbers for names."""
    by_name = {str(number): other for number, other in enumerate(others)}
    return {
        "speakers": Speakers(Settings(), lambda name, settings: by_name.get(name, model)),
        "conversations": Conversations(session_log),
        "cancellations": cancellations or Cancellations(),
    }


def a_brief(*models: ScriptedModel) -> Brief:
    """What was found, to be answered by these."""
    return Brief(FOUND, Prompt(FOUND.understanding.text, FOUND.chunks), tuple(map(Speaker, models)), Settings())


def generated(brief: Brief, delivery: Delivery, **around: Any) -> AsyncGenerator[Output, None]:
    """The answer of that brief."""

    async def briefing() -> Brief:
        return brief

    return generate(brief.found, delivery, briefing=briefing, **around)


def a_delivery(attempt: int = 1, *, redelivered: bool = False) -> Delivery:
    """A record as the step meets it."""

    async def written() -> list[Position]:
        return []

    return Delivery(Position("retrievals", 0, 0), redelivered, attempt, written, [])
