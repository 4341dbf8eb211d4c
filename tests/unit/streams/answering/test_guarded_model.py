"""Guarded model: a language model that fails is left alone, and let in again as soon as it says something."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from prometheus_client import REGISTRY

from connectors.language_model.base import Prompt
from schemas.errors import ModelRefused, ModelUnavailable
from streams.answering.guarded_model import GuardedModel, breaker_of
from tests.builders import ScriptedModel

PROMPT = Prompt("What is lag?", ())
RESET_S = 60.0


class Clock:
    """The wall clock, as breakers see it."""

    now = 1_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("purgatory.domain.model.time", clock)
    monkeypatch.setattr("streams.breaker.time", clock)
    return clock


class Told(ScriptedModel):
    """Fails with `error` before token `at`; waits there while `goes_on` is not set."""

    at = 0
    error: BaseException | None = None

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def before(self, number: int) -> None:
        if number == self.at:
            await self.goes_on.wait()
            if self.error:
                raise self.error


def guarded(model: ScriptedModel, failures: int = 2) -> GuardedModel:
    return GuardedModel(model, breaker_of("small", failures=failures, reset_s=RESET_S))  # type: ignore[arg-type]


async def said(model: GuardedModel) -> int:
    """How many parts it says."""
    return len([part async for part in model.stream(PROMPT)])


async def opened(subject: GuardedModel, model: Told) -> None:
    """The failure at which it is left alone says until when."""
    for waits_s in (0, RESET_S):
        model.error = ModelUnavailable()
        with pytest.raises(ModelUnavailable) as failed:
            await said(subject)
        assert failed.value.retry_after_s == pytest.approx(waits_s, abs=0.1)


@pytest.mark.parametrize("at", [0, 2])
async def test_a_model_that_fails_twice_is_not_asked_any_more(clock: Clock, at: int) -> None:
    """At its first token or later. The last failure and every refusal say when it may be asked again: the next try of a question comes then."""
    model = Told()
    model.at = at
    subject = guarded(model)
    await opened(subject, model)
    clock.now += 20

    with pytest.raises(ModelUnavailable, match="left alone") as refused:
        await said(subject)
    assert (2, RESET_S - 20) == (len(model.prefixes), pytest.approx(refused.value.retry_after_s, abs=0.1))


async def test_the_first_token_of_one_answer_lets_all_others_in(clock: Clock) -> None:
    """Until then they are turned away: a whole answer may take a minute."""
    model = Told()
    subject = guarded(model)
    await opened(subject, model)
    clock.now += RESET_S + 1
    model.error = None
    model.goes_on.clear()
    async with aclosing(subject.stream(PROMPT)) as trying:
        first = asyncio.ensure_future(anext(trying))
        await asyncio.sleep(0)
        with pytest.raises(ModelUnavailable, match="being tried"):
            await said(subject)
        model.goes_on.set()
        await first

        assert 4 == await said(subject)


async def test_a_refusal_is_an_answer(clock: Clock) -> None:
    """A wrong key does not pass by leaving the server alone, and hides behind nothing."""
    model = Told()
    subject = guarded(model)
    model.error = ModelRefused()
    for _ in range(5):
        with pytest.raises(ModelRefused):
            await said(subject)

    assert 5 == len(model.prefixes)


async def test_a_stream_that_its_reader_closes_or_leaves_is_no_failure() -> None:
    """Cancelled answers, and workers that lose a partition; nor do they make a failure before forgotten."""
    model = Told()
    subject = guarded(model)
    model.error = ModelUnavailable()
    with pytest.raises(ModelUnavailable):
        await said(subject)
    model.error = None
    for _ in range(3):
        async with aclosing(subject.stream(PROMPT)) as stream:
            await anext(stream)
    model.goes_on.clear()
    for _ in range(3):
        leaving = asyncio.create_task(said(subject))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    model.goes_on.set()
    model.error = ModelUnavailable()
    with pytest.raises(ModelUnavailable):
        await said(subject)

    with pytest.raises(ModelUnavailable, match="left alone"):
        await said(subject)


async def test_who_tried_it_and_was_cancelled_leaves_the_trial_to_the_next(clock: Clock) -> None:
    """The model is still neither up nor down."""
    model = Told()
    subject = guarded(model)
    await opened(subject, model)
    clock.now += RESET_S + 1
    model.error = None
    model.goes_on.clear()
    trying = asyncio.create_task(said(subject))
    await asyncio.sleep(0)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    model.goes_on.set()

    assert 4 == await said(subject)


async def test_a_model_that_cancels_itself_has_failed() -> None:
    """Client libraries do so when their connection goes; nobody told this answer to stop."""
    model = Told()
    model.error = asyncio.CancelledError()

    with pytest.raises(ModelUnavailable, match="cancelled"):
        await said(guarded(model))


async def test_changes_of_the_breaker_are_counted() -> None:
    """For /metrics: who looks there sees which model is down."""
    labels = {"model": "small", "state": "opened"}
    before = REGISTRY.get_sample_value("roxy_model_breaker_changes_total", labels) or 0.0
    model = Told()
    await opened(guarded(model), model)

    assert before + 1 == REGISTRY.get_sample_value("roxy_model_breaker_changes_total", labels)
