"""Another answer to a question: the steps of `queries` and `retrievals` over a session log and a journal in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.session_log.memory import MemorySessionLog
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    CacheKey,
    ChunksRetrieved,
    Event,
    GenerationStarted,
    QueryCancelled,
    Sibling,
)
from schemas.session_id import Session
from streams import regeneration as module
from streams.answer_so_far import AnswerSoFar, read_back
from tests.builders import CONTEXT, a_cancellation, a_query, a_regeneration, generation_started, tokens
from tests.unit.streams import regenerations
from tests.unit.streams.regenerations import FOUND, SESSION, Bench

bench = regenerations.bench

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
@settings(max_examples=60)
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
