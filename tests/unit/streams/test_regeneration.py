"""Another answer to a question: the steps of `queries` and `retrievals` over a session log and a journal in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import decode
from schemas.errors import UnknownQuery
from schemas.events import (
    TERMINAL,
    AnswerCancelled,
    AnswerCompleted,
    AnswerEvent,
    AnswerFailed,
    CacheKey,
    ChunksRetrieved,
    Event,
    GenerationStarted,
    QueryCancelled,
    RegenerationAsked,
    Sibling,
)
from schemas.record import Record
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import ANSWERS, DEAD_LETTERS, QUERIES, RETRIEVALS, Topic
from streams import regeneration as module
from streams.answer_so_far import AnswerSoFar, read_back
from streams.answering.attempt import answer_failed
from streams.answering.speakers import Speakers
from streams.chunk_index import ChunkIndex
from streams.ports import Ports
from streams.step import Frame, Policy, Step
from streams.steps import answer_failure, on_query, on_retrieval
from tests.builders import (
    CONTEXT,
    ScriptedModel,
    a_cancellation,
    a_query,
    a_regeneration,
    chunks_retrieved,
    events_of,
    generation_started,
    tokens,
)
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


# ------------------------------------------------------------------ answered


async def test_another_answer_is_made_from_the_same_chunks_under_its_own_id(bench: Bench) -> None:
    """Both are whole, each with indexes of its own, from contexts of one hash; the session tells who asked for what."""
    await bench.ask(a_regeneration(SESSION))
    first, second = [await bench.end(answer_id) for answer_id in ("a-q1", "a-q1.1")]
    mine = [event.type for event in await bench.of("a-q1.1")]

    assert isinstance(first, AnswerCompleted)
    assert isinstance(second, AnswerCompleted)
    assert ["GenerationStarted", *["TokensGenerated"] * (len(mine) - 2), "AnswerCompleted"] == mine
    assert ("Kept for ever [1].", "q1", first.context) == (second.text, second.query_id, second.context)
    assert ["RegenerationAsked", "ChunksRetrieved"] == [event.type for event in await bench.events() if event.id.startswith("a-q1.1:")][:2]
    assert bench.letters() == 0


async def test_its_settings_stand_above_what_holds(bench: Bench) -> None:
    """For it alone."""
    await bench.ask(a_regeneration(SESSION, settings={"model_temperature": 0.9}))
    await bench.ask(a_regeneration(SESSION, name="2"))

    assert [None, 0.9] == [settings.model_temperature for settings in bench.opened]


async def test_a_model_asked_for_by_name_answers_itself() -> None:
    """No rule routes the question elsewhere, and no other model stands in for it."""
    bench = await Bench(tiers={"small": "one", "large": "two"}, fallback_models=("three",)).answered()
    await bench.ask(a_regeneration(SESSION, settings={"language_model": "two"}))
    started = (await bench.of("a-q1.1"))[0]

    assert isinstance(started, GenerationStarted)
    assert (started.route.tier, started.route.instead_of) == (None, None)


async def test_an_answer_that_was_given_before_is_not_given_as_another_one() -> None:
    """Nor is the other one given to anybody else."""
    bench = await Bench().answered()
    first = await bench.end("a-q1")
    assert isinstance(first, AnswerCompleted)
    assert isinstance(first.cache_key, CacheKey)
    bench.ports.answers.put(first)
    await bench.ask(a_regeneration(SESSION))
    second = await bench.end("a-q1.1")

    assert isinstance(second, AnswerCompleted)
    assert (second.cached, second.cache_key) == (None, None)


async def test_a_question_is_looked_up_again_where_that_is_asked_for(bench: Bench) -> None:
    """With what was made of it then; here the index is empty by now."""
    bench.ports.index.keywords = Nothing()  # type: ignore[assignment]
    await bench.ask(a_regeneration(SESSION, look_up_again=True, settings={"top_k": 2}))
    found = next(event for event in await bench.events() if isinstance(event, ChunksRetrieved) and event.sibling)

    assert ((), FOUND.understanding, 0) == (found.chunks, found.understanding, found.session_offset)


# ------------------------------------------------------------- once, whatever


@pytest.mark.parametrize("topic", [QUERIES, RETRIEVALS])
async def test_what_is_delivered_again_is_answered_once(bench: Bench, topic: Topic) -> None:
    """However far the worker before had come: here to the end."""
    await bench.ask(a_regeneration(SESSION))
    before = await bench.events()
    run = on_query if topic is QUERIES else on_retrieval
    await bench.deliver(topic, run, bench.journal.records(topic)[-1], redelivered=True, generation=2)
    await bench.work(redelivered=True, generation=2)

    assert before == await bench.events()


@pytest.mark.parametrize("out", range(6))
async def test_what_its_worker_left_in_the_middle_is_finished_by_the_next(bench: Bench, out: int) -> None:
    """After the wish, what was found, the beginning, and each of the first tokens: the text is whole, and nothing of it is told twice."""
    asked = a_regeneration(SESSION)
    found = FOUND.model_copy(update={"id": "a-q1.1:retrieved", "sibling": asked.sibling, "query_offset": 0})
    left = [asked, found, generation_started(found), tokens(found, 0, "Kept "), tokens(found, 1, "for "), tokens(found, 2, "ever ")]
    await bench.session_log.append(SESSION, left[: out + 1], CONTEXT)
    await bench.journal.append(asked, CONTEXT)
    await bench.work(redelivered=True, generation=2)
    so_far = await read_back(bench.session_log, SESSION, "q1", None, "a-q1.1")

    assert "".join(SAID) == so_far.text
    assert [1, 1] == [
        sum(isinstance(event, kind) and bool(event.sibling) for event in await bench.events()) for kind in (RegenerationAsked, ChunksRetrieved)
    ]  # type: ignore[attr-defined]


async def test_an_answer_that_is_whole_stays_so_where_its_settings_may_not_be_set_any_more() -> None:
    """Its worker starts again without that model, and is given its record once more: nothing but the audit record is written."""
    bench = await Bench(sibling_models=("two",)).answered()
    await bench.ask(a_regeneration(SESSION, settings={"language_model": "two"}))
    before, audit = await bench.events(), len(bench.journal.records(ANSWERS))
    bench.ports = replace(bench.ports, settings=Settings())
    await bench.deliver(RETRIEVALS, on_retrieval, bench.journal.records(RETRIEVALS)[-1], redelivered=True, generation=2)

    assert before == await bench.events()
    assert (audit + 1, 0) == (len(bench.journal.records(ANSWERS)), bench.letters())


async def test_the_next_worker_audits_what_failed_before_it_was_looked_up(bench: Bench) -> None:
    """Its worker may have died between the session's AnswerFailed and the audit topic's."""
    asked = a_regeneration(SESSION)
    failure = answer_failed(asked, 1, UnknownQuery())
    await bench.session_log.append(SESSION, [asked, failure], CONTEXT)
    await bench.journal.append(asked, CONTEXT)
    await bench.work(redelivered=True, generation=2)

    assert failure == decode(bench.journal.records(ANSWERS)[-1])
    assert failure == (await bench.events())[-1]


async def test_a_wish_that_is_written_twice_is_one_answer(bench: Bench) -> None:
    """Under an idempotency key, at two API processes."""
    await bench.ask(a_regeneration(SESSION))
    before = await bench.events()
    await bench.ask(a_regeneration(SESSION))

    assert before == await bench.events()


# ---------------------------------------------------------------------- fails


@pytest.mark.parametrize("settings", [{"state_dir": "/tmp"}, {"model_temperature": "0.9"}, {"top_k": 2}, {"language_model": "another"}])
async def test_what_may_not_be_set_fails_that_answer_and_no_other(bench: Bench, settings: dict[str, Any]) -> None:
    """Written onto the topic, past the API: AnswerFailed says why, and the record is kept among the dead letters."""
    await bench.ask(a_regeneration(SESSION, settings=settings))
    failed = await bench.end("a-q1.1")

    assert isinstance(failed, AnswerFailed)
    assert ("invalid-regeneration", 1) == (failed.error, bench.letters())
    assert isinstance(await bench.end("a-q1"), AnswerCompleted)


@pytest.mark.parametrize("expired", [False, True])
async def test_a_question_that_is_not_in_the_session_cannot_be_answered_again(bench: Bench, expired: bool) -> None:
    """It never was, or retention has cut it with what was found for it."""
    if expired:
        bench.session_log.expire(SESSION, 4)
    query_id = "q1" if expired else "q2"
    await bench.ask(a_regeneration(SESSION, query_id))
    failed = await bench.end(f"a-{query_id}.1")

    assert isinstance(failed, AnswerFailed)
    assert ("unknown-query", False, 1) == (failed.error, failed.retryable, bench.letters())


async def test_a_question_of_which_only_what_was_found_is_left_is_answered_again(bench: Bench) -> None:
    """Retention has cut the question; what was found for it holds all that is needed."""
    bench.session_log.expire(SESSION, 1)
    await bench.ask(a_regeneration(SESSION))

    assert isinstance(await bench.end("a-q1.1"), AnswerCompleted)


async def test_a_session_that_is_gone_is_a_dead_letter(bench: Bench) -> None:
    """Nobody can be told."""
    await bench.ask(a_regeneration(Session("default", "tgone")))

    assert bench.letters() == 1


def test_an_id_that_is_another_answers_is_no_siblings() -> None:
    """Under it, its tokens would go on behind that one's."""
    for answer_id in ("a-q1", "a-q1.", "a-q2.1", "1"):
        with pytest.raises(ValueError, match="does not begin with a-q1"):
            a_regeneration(SESSION, sibling=Sibling(answer_id=answer_id))


# ------------------------------------------------------------------ under way


async def test_a_question_that_is_still_being_answered_may_be_answered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found for it is waited for, so that both answers are made from the same chunks."""
    monkeypatch.setattr(module, "_PAUSES_S", (0.001,) * 1_000)
    bench = Bench()
    await bench.session_log.create(SESSION)
    await bench.session_log.append(SESSION, [a_query(SESSION)], CONTEXT)
    asking = asyncio.create_task(bench.ask(a_regeneration(SESSION)))
    await asyncio.sleep(0.01)
    await bench.session_log.append(SESSION, [FOUND], CONTEXT)
    await asking
    found = [event for event in await bench.events() if isinstance(event, ChunksRetrieved)]

    assert ["a-q1", "a-q1.1"] == [one.answer_id for one in found]
    assert found[0].chunks == found[1].chunks


async def test_what_was_cancelled_before_does_not_mean_an_answer_that_is_asked_for_behind_it(bench: Bench) -> None:
    """Whoever stops an answer and asks for another one gets that; also if its worker dies, and the next one reads the session."""
    await bench.ask(a_cancellation(SESSION))
    await bench.journal.append(a_regeneration(SESSION), CONTEXT)
    await bench.work(redelivered=True, generation=2)

    assert isinstance(await bench.end("a-q1.1"), AnswerCompleted)


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize(("answer_id", "stopped"), [(None, ["1", "2"]), ("a-q1.2", ["2"])])
async def test_a_cancellation_stops_all_answers_or_the_one_that_it_names(
    bench: Bench, redelivered: bool, answer_id: str | None, stopped: list[str]
) -> None:
    """Those that wait for their turn, and those that a worker finds cancelled when it takes over."""
    for event in (a_regeneration(SESSION), a_regeneration(SESSION, name="2"), a_cancellation(SESSION, answer_id=answer_id)):
        await bench.journal.append(event, CONTEXT)
    if redelivered:
        bench.ports.cancellations.cancel = lambda event, at: None  # type: ignore[method-assign]
    await bench.work(redelivered=redelivered, generation=2)
    ends = {name: await bench.end(f"a-q1.{name}") for name in ("1", "2")}

    assert stopped == [name for name, end in ends.items() if isinstance(end, AnswerCancelled)]


# ----------------------------------------------------------------- many at once


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_of_answers_that_come_side_by_side_each_is_folded_by_itself(data: st.DataObject) -> None:
    """However their records are mixed, with attempts that begin anew: the fold of one is that of its own records alone."""
    founds = [FOUND, *(FOUND.model_copy(update={"sibling": Sibling(answer_id=f"a-q1.{name}")}) for name in "12")]
    streams = [_stream(found, data) for found in founds]
    order = data.draw(st.permutations([number for number, stream in enumerate(streams) for _ in stream]))
    heads = [iter(stream) for stream in streams]
    asked, mixed = a_query(SESSION), [next(heads[number]) for number in order]

    for found, stream in zip(founds, streams, strict=True):
        alone, together = (asyncio.run(_folded([asked, *events], found.answer_id)) for events in (stream, mixed))
        assert alone._replace(asked_at=None) == together._replace(asked_at=None)


def _stream(found: ChunksRetrieved, data: st.DataObject) -> list[Event]:
    """What one answer's workers write, in their order."""
    events: list[Event] = [] if found.sibling is None else [a_regeneration(SESSION, name=found.sibling.answer_id[-1])]
    events.append(found)
    for attempt in range(1, data.draw(st.integers(1, 3)) + 1):
        events.append(generation_started(found, attempt, resumes_at=data.draw(st.integers(0, 2))))
        events += [tokens(found, index, f"{found.answer_id}/{index} ", attempt) for index in range(data.draw(st.integers(0, 3)))]
        if data.draw(st.booleans()):
            events.append(QueryCancelled(**a_cancellation(SESSION).model_dump() | {"answer_id": found.answer_id}))
    return events


async def _folded(events: list[Event], answer_id: str) -> AnswerSoFar:
    async with MemorySessionLog() as session_log:
        await session_log.create(SESSION)
        await session_log.append(SESSION, events, CONTEXT)
        return await read_back(session_log, SESSION, "q1", None, answer_id)


class Nothing:
    """An index of words that finds nothing."""

    def search(self, *_: object, **__: object) -> list[object]:
        return []
