"""Another answer to a question whose records are delivered again, or were written twice: it is made once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.codec import decode
from schemas.errors import UnknownQuery
from schemas.events import ChunksRetrieved, RegenerationAsked
from schemas.settings import Settings
from schemas.topics import ANSWERS, QUERIES, RETRIEVALS, Topic
from streams.answer_so_far import read_back
from streams.answering.attempt import answer_failed
from streams.steps import on_query, on_retrieval
from tests.builders import CONTEXT, a_regeneration, generation_started, tokens
from tests.unit.streams import regenerations
from tests.unit.streams.regenerations import FOUND, SAID, SESSION, Bench

bench = regenerations.bench


@pytest.mark.parametrize("topic", [QUERIES, RETRIEVALS])
async def test_what_is_delivered_again_is_answered_once(bench: Bench, topic: Topic) -> None:
    """However far the worker before had come: here to the end."""
    await bench.ask(a_regeneration(SESSION))
    before, audits = await bench.events(), len(bench.journal.records(ANSWERS))
    run = on_query if topic is QUERIES else on_retrieval
    await bench.deliver(topic, run, bench.journal.records(topic)[-1], redelivered=True, generation=2)
    await bench.work(redelivered=True, generation=2)

    assert before == await bench.events()
    assert audits + (topic is RETRIEVALS) == len(bench.journal.records(ANSWERS))  # which may be told once more, by the step that ended it


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
