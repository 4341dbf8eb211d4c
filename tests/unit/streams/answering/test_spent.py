"""What models took for an answer, whatever became of it: told in its end."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import ModelUnavailable
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Event, Paid
from schemas.settings import Settings
from schemas.topics import ANSWERS
from tests.builders import ScriptedModel, a_cancellation, generation_started, tokens
from tests.unit.streams.answering.bench import FOUND, SAID, SESSION, Bench

PRICED = Settings.model_validate({"prices": {"first": {"prompt": 1.0, "completion": 2.0}}})


def failing(at: int) -> ScriptedModel:
    return ScriptedModel(SAID, fails_at=at, error=ModelUnavailable(), name="first")


def taken(paid: tuple[Paid, ...]) -> list[tuple[str, int, float | None]]:
    """Of whom, how many tokens, for how much."""
    return [(each.model, each.usage.completion_tokens, each.cost.amount if each.cost else None) for each in paid]


async def end_of(bench: Bench) -> Event:
    return (await bench.events())[-1]


class Cancelling(ScriptedModel):
    """Cancelled before its fourth token."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(SAID, name="first")
        self._bench = bench

    async def before(self, number: int) -> None:
        if number == 3:
            self._bench.cancellations.cancel(a_cancellation(SESSION), at=0)
            await asyncio.sleep(0)


async def test_a_model_that_failed_is_paid_beside_the_one_that_answers() -> None:
    """For the tokens that it had said."""
    bench = await Bench(settings=PRICED).asked()
    await bench.answer(failing(3), ScriptedModel(("Thirty ", "days ", "[2]."), name="second"))
    end = await end_of(bench)

    assert isinstance(end, AnswerCompleted)
    assert (3, [("first", 3, 6e-6)]) == (end.usage.completion_tokens, taken(end.in_vain))


async def test_an_answer_that_failed_tells_what_all_its_tries_took() -> None:
    """To its session and to the audit."""
    bench = await Bench(settings=PRICED).asked()
    await bench.answer(failing(2), tries=2)
    end = await end_of(bench)

    assert isinstance(end, AnswerFailed)
    assert ["first", "first"] == [model for model, *_ in taken(end.in_vain)]
    assert 1 == len(bench.journal.records(ANSWERS))


async def test_an_answer_that_was_cancelled_tells_what_had_come() -> None:
    """Its model's server tells nothing when it is hung up on."""
    bench = await Bench(settings=PRICED).asked()
    await bench.answer(Cancelling(bench))
    end = await end_of(bench)

    assert isinstance(end, AnswerCancelled)
    assert [("first", 3, 6e-6)] == taken(end.in_vain)
    assert 1 == len(bench.journal.records(ANSWERS))


@pytest.mark.parametrize(("resumes", "more", "in_vain"), [("prefix", 3, 0), ("restart", 0, 1)])
async def test_what_the_worker_before_was_told_counts_too(resumes: str, more: int, in_vain: int) -> None:
    """As far as the log tells: what is gone on behind is the answer's, what is begun anew was in vain."""
    bench = await Bench().asked()
    begun = generation_started(FOUND).model_copy(update={"model": "scripted", "parameters": {}})
    await bench.write(FOUND, begun, tokens(FOUND, 0, "Kept "), tokens(FOUND, 1, "for "))
    await bench.answer(ScriptedModel(SAID, resumes), generation=2, redelivered=True)  # type: ignore[arg-type]
    end = await end_of(bench)

    assert isinstance(end, AnswerCompleted)
    assert (len(SAID) + more, in_vain) == (end.usage.completion_tokens, len(end.in_vain))


async def test_what_the_platform_says_itself_is_not_paid() -> None:
    """Nor is a model that had said nothing yet."""
    bench = await Bench().asked()
    await bench.answer(failing(0), ScriptedModel(SAID, name="second"))
    end = await end_of(bench)

    assert isinstance(end, AnswerCompleted)
    assert () == end.in_vain
