"""streams/generation.py run by the frame, as a worker runs it: fresh answers, and those that another worker began."""

from __future__ import annotations

import asyncio

import pytest

from schemas.codec import decode
from schemas.errors import ModelUnavailable
from schemas.events import AnswerCompleted, AnswerFailed, ChunksRetrieved, Event, GenerationStarted, TokensGenerated
from schemas.topics import ANSWERS, DEAD_LETTERS
from streams.answer_so_far import AnswerSoFar
from streams.cancellations import Cancellations
from tests.builders import (
    Resumes,
    ScriptedModel,
    generation_started,
    tokens,
)
from tests.unit.streams.answering.bench import FOUND, RESUMES, SAID, TEXT, Bench, a_brief, a_delivery, generated, one_whole_answer

# ---------------------------------------------------------------------- fresh


async def test_a_fresh_question_is_answered_in_order_with_its_sources() -> None:
    """GenerationStarted, tokens with contiguous indexes, AnswerCompleted, which also goes to the audit topic."""
    bench = await Bench().asked()
    await bench.answer(ScriptedModel(SAID))
    found, started, *pieces, completed = (await bench.events())[1:]
    answers = [decode(record) for record in bench.journal.records(ANSWERS)]

    assert found == FOUND
    assert isinstance(started, GenerationStarted)
    assert isinstance(completed, AnswerCompleted)
    assert list(range(len(pieces))) == [piece.index for piece in pieces if isinstance(piece, TokensGenerated)]
    assert (TEXT, [completed]) == await bench.read()
    assert (TEXT, True, len(pieces)) == (completed.text, completed.answered, completed.tokens_end)
    assert [citation.number for citation in completed.citations] == [1, 2]
    assert [completed] == answers


async def test_the_log_is_not_read_back_for_a_record_that_nobody_met_before() -> None:
    """No cost when nothing failed."""

    async def must_not(found: ChunksRetrieved) -> AnswerSoFar:
        raise AssertionError

    events = generated(a_brief(ScriptedModel()), a_delivery(), cancellations=Cancellations(), read_back=must_not)

    assert [event.type async for event in events if isinstance(event, Event)] == [
        "ChunksRetrieved",
        "GenerationStarted",
        "TokensGenerated",
        "TokensGenerated",
        "AnswerCompleted",
    ]


# --------------------------------------------------------------- taken over


@pytest.mark.parametrize("resumes", RESUMES)
async def test_an_answer_goes_on_from_every_record_at_which_its_worker_can_die(resumes: Resumes) -> None:
    """With any number of its records out, the next worker ends it: the same text, one terminal event; what the first writes later does not count."""
    first = await one_whole_answer(resumes)
    for out in range(len(first)):
        bench = await Bench().asked()
        await bench.write(*first[:out])
        await bench.answer(ScriptedModel(SAID, resumes), generation=2, redelivered=True)
        taken_over = await bench.read()
        await bench.write(*first[out:])  # it had only been paused

        assert (taken_over[0], len(taken_over[1])) == (TEXT, 1), f"after {out} records"
        assert taken_over == await bench.read()


@pytest.mark.parametrize("resumes", RESUMES)
async def test_what_the_first_worker_still_writes_while_the_second_begins_is_void(resumes: Resumes) -> None:
    """Records of the older attempt between the newer one's, at every place, change nothing."""
    first = await one_whole_answer(resumes)
    for place in range(6):
        bench = await Bench().asked()
        await bench.write(*first[:3])

        class Paused(ScriptedModel):
            async def before(self, number: int, place: int = place, bench: Bench = bench) -> None:
                if number == place:
                    await bench.write(*first[3:])

        await bench.answer(Paused(SAID, resumes), generation=2, redelivered=True)
        text, ends = await bench.read()

        assert (text, [end.attempt for end in ends if isinstance(end, AnswerCompleted)]) == (TEXT, [2_000_010])


async def test_a_model_that_runs_again_puts_nothing_out_twice() -> None:
    """It skips what is out, also in the middle of a token, and says where it goes on."""
    bench = await Bench().asked()
    await bench.write(generation_started(FOUND), tokens(FOUND, 0, "Kept fo"))
    await bench.answer(ScriptedModel(SAID), generation=2, redelivered=True)
    started, piece, *_ = (await bench.events())[4:]

    assert isinstance(started, GenerationStarted)
    assert isinstance(piece, TokensGenerated)
    assert (started.resumes_at, piece.index, piece.text) == (1, 1, "r")  # a blank waits for what follows it
    assert (await bench.read())[0] == TEXT


async def test_a_model_that_can_continue_is_given_what_is_out() -> None:
    """`resumes = "prefix"`."""
    bench, model = await Bench().asked(), ScriptedModel(SAID, "prefix")
    await bench.write(generation_started(FOUND), tokens(FOUND, 0, "Kept "))
    await bench.answer(model, generation=2, redelivered=True)

    assert model.prefixes == ["Kept "]
    assert (await bench.read())[0] == TEXT


async def test_a_text_that_differs_from_what_is_out_is_begun_anew() -> None:
    """Another version of the model, say: readers are told to drop what they have."""
    bench = await Bench().asked()
    await bench.write(generation_started(FOUND), tokens(FOUND, 0, "Kept by nobody."))
    await bench.answer(ScriptedModel(SAID), generation=2, redelivered=True)
    starts = [(event.attempt, event.resumes_at) for event in await bench.events() if isinstance(event, GenerationStarted)]

    assert starts == [(1, 0), (2_000_010, 1), (2_000_011, 0)]
    assert ((await bench.read())[0], len((await bench.read())[1])) == (TEXT, 1)


async def test_a_text_that_ends_before_what_is_out_is_begun_anew() -> None:
    """Shorter is different, too."""
    bench = await Bench().asked()
    await bench.write(generation_started(FOUND), tokens(FOUND, 0, TEXT + " And more."))
    await bench.answer(ScriptedModel(SAID), generation=2, redelivered=True)

    assert (await bench.read())[0] == TEXT


async def test_a_failure_after_the_answer_was_begun_anew_reaches_the_reader() -> None:
    """The answer's attempt was raised meanwhile; its AnswerFailed must count all the same."""
    bench = await Bench().asked()
    await bench.write(generation_started(FOUND), tokens(FOUND, 0, "K other"))

    class FailsTheSecondTime(ScriptedModel):
        async def before(self, number: int) -> None:
            if len(self.prefixes) == 2 and number == 3:
                raise ModelUnavailable

    await bench.answer(FailsTheSecondTime(SAID), generation=2, redelivered=True)
    _, ends = await bench.read()

    assert [AnswerFailed] == [type(end) for end in ends]


async def test_tokens_behind_a_hole_are_not_taken_for_out() -> None:
    """A record that the log lost between others: the answer goes on before the hole."""
    bench = await Bench().asked()
    await bench.write(generation_started(FOUND), tokens(FOUND, 0, "Kept "), tokens(FOUND, 2, "ever "))
    model = ScriptedModel(SAID, "prefix")
    await bench.answer(model, generation=2, redelivered=True)

    assert model.prefixes == ["Kept "]


async def test_an_answer_that_has_ended_is_left_alone_but_for_its_audit_record() -> None:
    """The worker may have died between the session's terminal record and the audit topic's."""
    bench, model = await Bench().asked(), ScriptedModel(SAID)
    await bench.answer(model)
    before = await bench.events()
    bench.journal.records(ANSWERS).clear()
    await bench.answer(model, generation=2, redelivered=True)

    assert (before, 1) == (await bench.events(), len(model.prefixes))
    assert [before[-1]] == [decode(record) for record in bench.journal.records(ANSWERS)]


async def test_an_answer_that_ends_while_the_next_worker_begins_keeps_that_end() -> None:
    """Between its first look and its GenerationStarted: it looks again behind it."""
    end = (await one_whole_answer("rerun"))[-1]
    assert isinstance(end, AnswerCompleted)
    bench, looks, completed = await Bench().asked(), 0, end

    async def read_back(found: ChunksRetrieved) -> AnswerSoFar:
        nonlocal looks
        looks += 1
        return AnswerSoFar() if looks == 1 else AnswerSoFar(ended=True, completed=completed)

    outputs = [
        output
        async for output in generated(
            a_brief(ScriptedModel(SAID)), a_delivery(2, redelivered=True), cancellations=bench.cancellations, read_back=read_back
        )
    ]

    assert [output.type for output in outputs if isinstance(output, Event)] == ["ChunksRetrieved", "GenerationStarted"]
    assert (end,) == outputs[-1]


@pytest.mark.parametrize("resumes", RESUMES)
@pytest.mark.parametrize("fails_at", range(len(SAID)))
async def test_a_model_that_fails_on_the_way_is_tried_again_behind_what_is_out(resumes: Resumes, fails_at: int) -> None:
    """At every token: the second try gives the same text and one terminal event."""
    bench = await Bench().asked()

    class FailsOnce(ScriptedModel):
        async def before(self, number: int) -> None:
            await asyncio.sleep(0)
            if number == fails_at and len(self.prefixes) == 1:
                raise ModelUnavailable

    await bench.answer(FailsOnce(SAID, resumes), tries=2)
    text, ends = await bench.read()

    assert (TEXT, [AnswerCompleted]) == (text, [type(end) for end in ends])
    assert bench.journal.records(DEAD_LETTERS) == []


async def test_an_unexpected_error_of_the_model_ends_the_answer_and_its_stream() -> None:
    """AnswerFailed, and nothing of the model goes on."""
    bench, model = await Bench().asked(), ScriptedModel(SAID, fails_at=4, error=ValueError("odd"))
    await bench.answer(model)
    _, ends = await bench.read()

    assert ([AnswerFailed], 1) == ([type(end) for end in ends], model.closed)
    assert len(bench.journal.records(DEAD_LETTERS)) == 1
