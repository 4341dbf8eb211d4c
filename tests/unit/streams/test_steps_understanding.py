"""Understanding in the steps: what a session sees of it, over a real index and logs in memory."""

from __future__ import annotations

from functools import partial

import pytest

from connectors.journal.memory import MemoryJournal
from connectors.language_model.extractive import ExtractiveModel
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import decode
from schemas.events import AnswerCompleted, ChunksRetrieved, Filters
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import QUERIES, RETRIEVALS
from streams.ports import Ports
from streams.step import Frame, Policy, Step
from streams.steps import answer_failure, on_query, on_retrieval
from tests.builders import a_query, a_record, events_of
from tests.unit.streams.answering.bench import speaking
from tests.unit.streams.corpus import Corpus, a_document

SESSION = Session("default", "t1")
LAG = "# Consumer lag\n\nConsumer lag is the distance between the end of a partition and its group. Measure consumer lag with the admin tool."
CATS = "# Cats\n\nCats sleep on warm radiators. Measure a cat with a ruler."


class Worker:
    """Answers questions of one session, as a worker does."""

    def __init__(self, corpus: Corpus) -> None:
        self.session_log, self.journal = MemorySessionLog(), MemoryJournal()
        self.ports = Ports(Settings(), self.session_log, None, None, corpus.index, **speaking(self.session_log, ExtractiveModel()))  # type: ignore[arg-type]

    async def ask(self, query_id: str, text: str, *, redelivered: bool = False, filters: Filters | None = None) -> ChunksRetrieved:
        """What was found for it."""
        asked = a_query(SESSION, query_id, text=text, **({"filters": filters} if filters else {}))
        await self._frame("retrieve", on_query).work(a_record(asked), redelivered=redelivered, generation=1)
        found = decode(self.journal.records(RETRIEVALS)[-1])
        assert isinstance(found, ChunksRetrieved)
        return found

    async def answer(self, found: ChunksRetrieved) -> AnswerCompleted:
        await self._frame("generate", on_retrieval).work(a_record(found, RETRIEVALS.name), redelivered=False, generation=1)
        last = (await events_of(self.session_log, SESSION))[-1]
        assert isinstance(last, AnswerCompleted)
        return last

    async def converse(self, query_id: str, text: str) -> AnswerCompleted:
        return await self.answer(await self.ask(query_id, text))

    def _frame(self, name: str, run: object) -> Frame:
        topic = QUERIES if run is on_query else RETRIEVALS
        step = Step(name, topic, partial(run, ports=self.ports), answer_failure)  # type: ignore[operator, arg-type]
        return Frame(step, journal=self.journal, session_log=self.session_log, policy=Policy(1, 5.0))


@pytest.fixture
async def worker() -> Worker:
    corpus = Corpus(None)
    await corpus.take(a_document(LAG, document_id="lag"))
    await corpus.take(a_document(CATS, document_id="cats"), offset=1)
    worker = Worker(corpus)
    await worker.session_log.create(SESSION)
    return worker


@pytest.mark.parametrize(
    ("text", "said"), [("Hello!", "Hello!"), ("thank you", "You are welcome."), ("tell me a joke", "That is not what I am here for")]
)
async def test_who_greets_is_greeted(worker: Worker, text: str, said: str) -> None:
    """By the platform, whatever the model is: nothing is retrieved or cited, and it is an answer as any other."""
    found = await worker.ask("q1", text)
    ended = await worker.answer(found)

    assert ((), ()) == (found.chunks, found.degraded)
    assert (False, (), "stop", "canned") == (ended.answered, ended.citations, ended.finish_reason, ended.model)
    assert ended.text.startswith(said)


async def test_a_follow_up_finds_what_it_means(worker: Worker) -> None:
    """The session before it says so; the answer is to the whole question."""
    await worker.converse("q1", "What is consumer lag?")
    await worker.converse("q2", "thanks!")
    found = await worker.ask("q3", "how do I measure it?")
    ended = await worker.answer(found)

    assert ("follow-up", "how do I measure consumer lag?", ("q1",)) == (
        found.understanding.intent,
        found.understanding.text,
        found.understanding.follows,
    )
    assert ("how do I measure it?", "lag") == (found.question, found.chunks[0].document_id)
    assert "Measure consumer lag with the admin tool. [1]" in ended.text


async def test_a_follow_up_that_is_delivered_again_is_made_whole_in_the_same_way(worker: Worker) -> None:
    """What was asked and answered behind it does not count."""
    await worker.converse("q1", "What is consumer lag?")
    first = await worker.ask("q2", "how do I measure it?")
    await worker.converse("q3", "What are cats?")
    again = await worker.ask("q2", "how do I measure it?", redelivered=True)

    assert (first.understanding, first.session_offset) == (again.understanding, again.session_offset)


async def test_a_follow_up_inherits_no_filters(worker: Worker) -> None:
    """It says its own."""
    await worker.ask("q1", "What is consumer lag?", filters=Filters(sources=("lag.md",)))
    found = await worker.ask("q2", "how do I measure it?")

    assert Filters() == found.filters


async def test_a_question_finds_only_what_its_filters_let_through(worker: Worker) -> None:
    """A filter that nothing fits finds nothing."""
    filtered = await worker.ask("q1", "How are things measured?", filters=Filters(sources=("cats*",)))
    nothing = await worker.ask("q2", "How are things measured?", filters=Filters(until="2000-01-01T00:00:00.000Z"))

    assert {"cats"} == {chunk.document_id for chunk in filtered.chunks}
    assert () == nothing.chunks
