"""When a model fails: the next one answers, readers see one answer, and it is told truthfully whose it is."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from schemas.errors import ModelRefused, ModelUnavailable
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, CachedAnswer, CacheKey, Event, GenerationStarted
from schemas.settings import Settings
from schemas.topics import DEAD_LETTERS
from streams import step
from streams.answer_so_far import AnswerSoFar
from streams.answering.brief import Brief
from streams.answering.fair_slots import FairSlots
from streams.answering.speaker import Speaker, saying
from tests.builders import Resumes, ScriptedModel, a_cancellation, generation_started, tokens
from tests.unit.streams.answering.bench import FOUND, RESUMES, SAID, SESSION, TEXT, Bench, a_brief, a_delivery, generated

OTHER = ("Thirty ", "days ", "[2].")
CACHED = CachedAnswer(kind="exact", answer_id="a-before")


def failing(at: int = 0, error: Exception | None = None, resumes: Resumes = "rerun") -> ScriptedModel:
    return ScriptedModel(SAID, resumes, fails_at=at, error=error or ModelUnavailable(), name="first")


def second(said: tuple[str, ...] = OTHER) -> ScriptedModel:
    return ScriptedModel(said, name="second")


def starts(events: list[Event]) -> list[tuple[str, int, int, str | None]]:
    """Of each GenerationStarted: who, attempt, where it begins, instead of whom."""
    return [
        (event.model, event.attempt - 1_000_000, event.resumes_at, event.route.instead_of) for event in events if isinstance(event, GenerationStarted)
    ]


@pytest.mark.parametrize("error", [ModelUnavailable(), ModelRefused()])
@pytest.mark.parametrize("at", [0, 3])
async def test_the_next_model_begins_the_answer_anew(error: Exception, at: int) -> None:
    """Before its first token or behind it: readers drop what is out, and are told who answers, and for whom."""
    bench = await Bench().asked()
    await bench.answer(failing(at, error), second())
    text, (end,) = await bench.read()

    assert isinstance(end, AnswerCompleted)
    assert ("".join(OTHER), "second", "first") == (text, end.model, end.route.instead_of)
    assert [("first", 10, 0, None), ("second", 11, 0, "first")] == starts(await bench.events())


async def test_the_chain_is_followed_to_its_end() -> None:
    """All but the last fail."""
    bench = await Bench().asked()
    await bench.answer(failing(), *(ScriptedModel(SAID, fails_at=2, error=ModelUnavailable()) for _ in range(6)), second())

    assert ("second", 17, 0, "first") == starts(await bench.events())[-1]
    assert "".join(OTHER) == (await bench.read())[0]


async def test_the_longest_chain_has_attempts_enough() -> None:
    """Between two tries of the step: the last model's attempt, with one begun anew for its text's sake, is lower than the next try's."""
    longest = Settings.model_fields["fallback_models"].metadata[0].max_length

    assert 1 + longest + 1 < step._TRY


async def test_all_are_tried_again_if_one_of_them_may_come_back() -> None:
    """That another one will never answer changes nothing; the next try begins with the first."""
    bench = await Bench().asked()
    first = failing()
    refusing = ScriptedModel(SAID, fails_at=0, error=ModelRefused(), name="second")
    await bench.answer(first, refusing, tries=2)
    _, (end,) = await bench.read()

    assert isinstance(end, AnswerFailed)
    assert ("model-unavailable", True) == (end.error, end.retryable)
    assert ["first", "second", "first", "second"] == [model for model, *_ in starts(await bench.events())]
    assert 1 == len(bench.journal.records(DEAD_LETTERS))


@pytest.mark.parametrize("resumes", RESUMES)
@pytest.mark.parametrize("out", range(4))
async def test_a_worker_that_takes_over_goes_on_with_the_model_that_began(resumes: Resumes, out: int) -> None:
    """Although another one should have answered: what is out holds, if it can go on behind it."""
    before = await Bench().asked()
    await before.answer(failing(), ScriptedModel(SAID, resumes, name="second"))
    written = (await before.events())[1:]
    bench = await Bench().asked()
    await bench.write(*written[: 3 + out])
    await bench.answer(ScriptedModel(OTHER, name="first"), ScriptedModel(SAID, resumes, name="second"), generation=2, redelivered=True)
    text, (end,) = await bench.read()

    assert isinstance(end, AnswerCompleted)
    assert (("first", "".join(OTHER)) if out == 0 else ("second", TEXT)) == (end.model, text)
    assert (None if out == 0 else "first") == end.route.instead_of


@pytest.mark.parametrize("resumes", RESUMES)
async def test_what_a_model_has_said_that_is_here_no_more_is_begun_anew(resumes: Resumes) -> None:
    """Another worker had other settings, say; nobody goes on behind another's words."""
    bench = await Bench().asked()
    await bench.write(FOUND, generation_started(FOUND), tokens(FOUND, 0, "Kept "), tokens(FOUND, 1, "for "))
    await bench.answer(ScriptedModel(SAID, resumes, name="first"), generation=2, redelivered=True)

    assert ("first", 1_000_010, 0, None) == starts(await bench.events())[-1]
    assert TEXT == (await bench.read())[0]


async def test_what_another_model_says_while_the_next_worker_begins_is_not_gone_on_behind() -> None:
    """Between its first look and its GenerationStarted the worker before had begun anew, with another model."""
    mine = AnswerSoFar(found=FOUND, begun=generation_started(FOUND), texts=("Kept ",))
    others = mine._replace(begun=generation_started(FOUND).model_copy(update={"model": "second"}), texts=("Thirty ",))
    looks = [mine, others]
    model = ScriptedModel(SAID, "prefix")

    async def read_back(_: object) -> AnswerSoFar:
        return looks.pop(0)

    bench = Bench()
    answer = generated(a_brief(model), a_delivery(20, redelivered=True), cancellations=bench.cancellations, read_back=read_back)
    events = [event async for event in answer if isinstance(event, Event)]

    assert [(20, 1), (21, 0)] == [(event.attempt, event.resumes_at) for event in events if isinstance(event, GenerationStarted)]
    assert [""] == model.prefixes


# ---------------------------------------------------------------- told truthfully


def briefed(*speakers: Speaker) -> Brief:
    return a_brief()._replace(speakers=speakers)


async def told(brief: Brief, so_far: AnswerSoFar | None = None) -> tuple[list[GenerationStarted], AnswerCompleted]:
    async def read_back(_: object) -> AnswerSoFar:
        return so_far or AnswerSoFar()

    answer = generated(brief, a_delivery(20, redelivered=so_far is not None), cancellations=Bench().cancellations, read_back=read_back)
    events = [event async for event in answer if isinstance(event, Event)]
    assert isinstance(events[-1], AnswerCompleted)
    return [event for event in events if isinstance(event, GenerationStarted)], events[-1]


KEY = CacheKey(question="q", around="a")


async def test_an_answer_given_before_says_so_and_is_nobodys_fallback() -> None:
    """It is not remembered once more."""
    (started,), end = await told(briefed(saying(TEXT, cached=CACHED), Speaker(second(), cache_key=KEY)))

    assert (CACHED, CACHED, None, None) == (started.cached, end.cached, end.cache_key, end.route.instead_of)


async def test_an_answer_given_before_that_differs_from_what_is_out_is_begun_anew() -> None:
    """The same way as any other model's."""
    out = AnswerSoFar(found=FOUND, begun=generation_started(FOUND).model_copy(update={"model": "canned"}), texts=("Something ", "else"))
    (first, anew), end = await told(briefed(saying(TEXT, cached=CACHED), Speaker(second(), cache_key=KEY)), out)

    assert [(2, CACHED), (0, CACHED)] == [(started.resumes_at, started.cached) for started in (first, anew)]
    assert (TEXT, CACHED) == (end.text, end.cached)


async def test_a_model_that_goes_on_with_its_own_answer_is_not_taken_for_one_given_before() -> None:
    """Somebody else's answer to the same question was remembered meanwhile."""
    out = AnswerSoFar(found=FOUND, begun=generation_started(FOUND).model_copy(update={"model": "second"}), texts=OTHER[:1])
    (started,), end = await told(briefed(saying(TEXT, cached=CACHED), Speaker(second(), cache_key=KEY)), out)

    assert (1, None) == (started.resumes_at, started.cached)
    assert ("".join(OTHER), None, KEY, None) == (end.text, end.cached, end.cache_key, end.route.instead_of)


async def test_a_fallbacks_answer_is_not_given_again_as_the_others() -> None:
    """The key is that of the model which should have answered."""
    _, end = await told(briefed(Speaker(failing(), cache_key=KEY), Speaker(second())))

    assert (None, "first") == (end.cache_key, end.route.instead_of)


async def test_a_refusal_is_told_by_who_refuses() -> None:
    """The platform's own words, in place of any model's."""
    (started,), end = await told(briefed(saying("No.", refused="confidence")))

    assert ("confidence", "confidence", None) == (started.refused, end.refused, end.route.instead_of)


# ------------------------------------------------------------------------- slots


async def test_who_waits_for_a_slot_shows_its_sources_and_can_be_cancelled() -> None:
    """The model is not asked; the slots of others are untouched."""
    bench, model, slots = await Bench().asked(), ScriptedModel(SAID), FairSlots(1)
    with slots.place("default"):
        answer = generated(briefed(Speaker(model, slots)), a_delivery(), cancellations=bench.cancellations, read_back=_never)
        async with aclosing(answer) as outputs:
            shown = [await anext(outputs), await anext(outputs)]
            last = asyncio.ensure_future(anext(outputs))
            await asyncio.sleep(0)
            assert not last.done()
            bench.cancellations.cancel(a_cancellation(SESSION), at=0)
            end = await last

    assert ["ChunksRetrieved", "GenerationStarted"] == [event.type for event in shown if isinstance(event, Event)]
    assert isinstance(end, AnswerCancelled)
    assert ("ann", []) == (end.cancelled_by, model.prefixes)


async def test_a_slot_is_free_again_when_its_answer_has_ended_or_its_reader_has_gone() -> None:
    """The next answer begins."""
    slots = FairSlots(1)
    for whole in (True, False):
        answer = generated(briefed(Speaker(ScriptedModel(SAID), slots)), a_delivery(), cancellations=Bench().cancellations, read_back=_never)
        async with aclosing(answer) as outputs:
            async for _ in outputs:
                if not whole:
                    break
        with slots.place("default") as place:
            assert place.has_slot


async def _never(_: object) -> AnswerSoFar:
    raise AssertionError
