"""streams/generation.py: cancelled answers, and what an answer cites."""

from __future__ import annotations

import asyncio

import pytest

from schemas.events import AnswerCancelled, AnswerCompleted
from streams.answering.citations import cited
from tests.builders import (
    Resumes,
    ScriptedModel,
    a_cancellation,
    a_chunk,
    chunks_retrieved,
    generation_started,
    tokens,
)
from tests.unit.streams.answering.bench import FOUND, RESUMES, SAID, SESSION, TEXT, Bench

# ------------------------------------------------------------------ cancelled


async def test_a_question_cancelled_before_its_answer_begins_is_not_given_to_the_model() -> None:
    """Heard by this worker."""
    bench, model = await Bench().asked(), ScriptedModel(SAID)
    bench.cancellations.cancel(a_cancellation(SESSION), at=0)
    await bench.answer(model)
    text, (end,) = await bench.read()

    assert isinstance(end, AnswerCancelled)
    assert (text, end.cancelled_by, end.tokens_end, model.prefixes) == ("", "ann", 0, [])


async def test_a_cancellation_that_this_worker_did_not_hear_is_found_in_the_session() -> None:
    """It was written while the worker before had the answer."""
    bench = await Bench().asked()
    await bench.write(generation_started(FOUND), tokens(FOUND, 0, "Kept "), a_cancellation(SESSION))
    await bench.answer(ScriptedModel(SAID), generation=2, redelivered=True)
    text, (end,) = await bench.read()

    assert isinstance(end, AnswerCancelled)
    assert (text, end.cancelled_by, end.tokens_end) == ("Kept ", "ann", 1)


async def test_a_cancellation_during_the_answer_stops_the_model() -> None:
    """What is out stays; AnswerCancelled says where it ended; the model's stream is closed."""
    bench = await Bench().asked()

    class CancelledAtTheFifth(ScriptedModel):
        async def before(self, number: int) -> None:
            await asyncio.sleep(0)
            if number == 4:
                bench.cancellations.cancel(a_cancellation(SESSION), at=0)
                await asyncio.Event().wait()

    model = CancelledAtTheFifth(SAID)
    await bench.answer(model)
    text, (end,) = await bench.read()

    assert isinstance(end, AnswerCancelled)
    assert TEXT.startswith(text)
    assert (end.cancelled_by, model.closed) == ("ann", 1)


async def test_a_cancellation_after_the_answer_changes_nothing() -> None:
    """Its one terminal event stays."""
    bench = await Bench().asked()
    await bench.answer(ScriptedModel(SAID))
    before = await bench.read()
    bench.cancellations.cancel(a_cancellation(SESSION), at=0)
    await bench.answer(ScriptedModel(SAID), generation=2, redelivered=True)

    assert before == await bench.read()


# ------------------------------------------------------------------ citations


@pytest.mark.parametrize(
    ("text", "expected"),
    [("One [2], two [1], again [2].", [2, 1]), ("None here.", []), ("[0] [3] [99] [1234] [x] [-1]", []), ("[1][2]", [1, 2]), ("[01]", [1])],
)
def test_only_chunks_that_were_retrieved_are_cited_once_each_in_order(text: str, expected: list[int]) -> None:
    """A number outside the set stands for nothing."""
    assert expected == [citation.number for citation in cited(text, FOUND.chunks)]


def test_a_citation_says_what_it_stands_for() -> None:
    """Document, title, source and headings of the chunk of that rank."""
    found = chunks_retrieved(chunks=0).model_copy(update={"chunks": (a_chunk(1, heading_path=("A", "B")),)})
    (citation,) = cited("So [1].", found.chunks)

    assert (
        citation.chunk_id,
        citation.document_id,
        citation.title,
        citation.source,
        citation.heading_path,
    ) == ("d1#0", "d1", "Document 1", "d1.md", ("A", "B"))


async def test_an_answer_that_cites_nothing_says_that_it_is_none() -> None:
    """`answered` is false."""
    bench = await Bench().asked()
    await bench.answer(ScriptedModel(("Not ", "in ", "the ", "documents [9].")))
    _, (end,) = await bench.read()

    assert isinstance(end, AnswerCompleted)
    assert (end.answered, end.citations) == (False, ())


@pytest.mark.parametrize("resumes", RESUMES)
async def test_a_number_that_stands_for_nothing_is_dropped_before_a_record_is_written(resumes: Resumes) -> None:
    """From the tokens, and from the audit record, which counts them; also where another worker goes on."""
    said = ("Kept [1", "][9", "] for [", "8], ever ", "[2].")
    bench = await Bench().asked()
    await bench.answer(ScriptedModel(said, resumes))
    text, (end,) = await bench.read()
    taken_over = await Bench().asked()
    await taken_over.write(*(await bench.events())[1:4])
    if resumes != "prefix":  # the scripted model goes on behind its own words only
        await taken_over.answer(ScriptedModel(said, resumes), generation=2, redelivered=True)

        assert "Kept [1] for, ever [2]." == (await taken_over.read())[0]

    assert isinstance(end, AnswerCompleted)
    assert ("Kept [1] for, ever [2].", 2) == (text, end.dropped_citations)
    assert (text, [1, 2]) == (end.text, [citation.number for citation in end.citations])
