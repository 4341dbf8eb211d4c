"""streams/answering/moderation.py: questions and answers that a moderator looks at, and what becomes of them while it is away."""

from __future__ import annotations

import asyncio

import pytest

from schemas.codec import decode
from schemas.errors import ModeratorUnavailable
from schemas.events import AnswerCompleted, AnswerFailed, Event, GenerationStarted
from schemas.topics import ANSWERS, DEAD_LETTERS
from streams.answering.moderation import Moderation, Verdict
from streams.answering.refusal import DECLINED
from tests.builders import ScriptedModel, chunks_retrieved
from tests.unit.streams.answering.bench import FOUND, SAID, SESSION, TEXT, Bench


class Watching:
    """Finds `finds`; is away for the first `away` texts, or silent."""

    name = "watching"

    def __init__(self, *finds: str, away: int = 0, silent: bool = False) -> None:
        self.seen: list[str] = []
        self._finds, self._away, self._silent = finds, away, silent

    async def categories(self, text: str) -> tuple[str, ...]:
        self.seen.append(text)
        if self._silent:
            await asyncio.Event().wait()
        if len(self.seen) <= self._away:
            raise ModeratorUnavailable("It is away.")
        return ("rude",) if text in self._finds else ()


async def ended(moderation: Moderation, model: ScriptedModel | None = None, tries: int = 1) -> tuple[str, Event, Bench]:
    bench = await Bench(moderation=moderation).asked()
    await bench.answer(model or ScriptedModel(SAID), tries=tries)
    text, (end,) = await bench.read()
    return text, end, bench


async def test_question_and_answer_are_looked_at() -> None:
    """Once each, as they were asked and as they were said."""
    watching = Watching()
    _, end, _ = await ended(Moderation(watching))

    assert [FOUND.question, TEXT] == watching.seen
    assert isinstance(end, AnswerCompleted)
    assert ((), False) == (end.flagged, end.unmoderated)


async def test_a_question_that_is_flagged_is_declined_before_any_model_is_asked() -> None:
    """Both events say why; the platform's own words are not looked at."""
    watching, model = Watching(FOUND.question), ScriptedModel(SAID)
    text, end, bench = await ended(Moderation(watching), model)
    started = next(event for event in await bench.events() if isinstance(event, GenerationStarted))

    assert isinstance(end, AnswerCompleted)
    assert (DECLINED, [], [FOUND.question]) == (text, model.prefixes, watching.seen)
    assert ("moderation", "moderation") == (started.refused, end.refused)


async def test_an_answer_that_is_flagged_has_been_streamed_and_is_told_of() -> None:
    """And is not given again."""
    text, end, bench = await ended(Moderation(Watching(TEXT)))

    assert isinstance(end, AnswerCompleted)
    assert (TEXT, ("rude",), None) == (text, end.flagged, end.cache_key)
    assert 1 == len(bench.journal.records(ANSWERS))


async def test_while_the_moderator_is_away_questions_go_on_and_the_audit_record_says_so() -> None:
    """Whether it was away for the question or for the answer; the answer is not given again."""
    for away in (1, 2):
        text, end, _ = await ended(Moderation(Watching(away=away)))

        assert isinstance(end, AnswerCompleted)
        assert (TEXT, (), True, None) == (text, end.flagged, end.unmoderated, end.cache_key)


async def test_nothing_is_answered_without_a_moderator_that_is_required() -> None:
    """AnswerFailed, after the step's tries, worth another try; if it comes back in between, the question is answered."""
    _, failed, _ = await ended(Moderation(Watching(away=9), required=True))
    _, answered, _ = await ended(Moderation(Watching(away=1), required=True), tries=2)

    assert isinstance(failed, AnswerFailed)
    assert ("moderator-unavailable", True) == (failed.error, failed.retryable)
    assert isinstance(answered, AnswerCompleted)


async def test_an_answer_that_has_ended_is_not_looked_at_again() -> None:
    """Its record was redelivered, and a moderator that is required is away now: nothing follows the end."""
    _, end, bench = await ended(Moderation(Watching(), required=True))
    before, watching = await bench.events(), Watching(away=99)
    bench.moderation = Moderation(watching, required=True)
    await bench.answer(ScriptedModel(SAID), generation=2, redelivered=True)

    assert before == await bench.events()
    assert [] == watching.seen
    assert [end, end] == [decode(record) for record in bench.journal.records(ANSWERS)]
    assert [] == bench.journal.records(DEAD_LETTERS)


async def test_a_moderator_that_is_silent_is_away() -> None:
    """After ROXY_MODERATOR_TIMEOUT_S."""
    moderation = Moderation(Watching(silent=True), timeout_s=0.01)

    assert Verdict(away=True) == await moderation.of_question("?")


async def test_a_moderator_that_failed_several_times_is_left_alone_for_a_while() -> None:
    """It costs no question any time then; a required one is waited for."""
    watching = Watching(away=99)
    moderation = Moderation(watching, failures=2, reset_s=60)
    verdicts = [await moderation.of_question("?") for _ in range(5)]

    assert ([Verdict(away=True)] * 5, 2) == (verdicts, len(watching.seen))


async def test_a_required_moderator_that_is_left_alone_says_when_to_come_back() -> None:
    """The step waits that long before its next try."""
    moderation = Moderation(Watching(away=99), failures=1, reset_s=60, required=True)
    with pytest.raises(ModeratorUnavailable):
        await moderation.of_question("?")
    with pytest.raises(ModeratorUnavailable) as left_alone:
        await moderation.of_question("?")

    assert left_alone.value.retry_after_s > 0


async def test_courtesies_are_not_looked_at() -> None:
    """No model is asked, and the platform says the same to all."""
    watching = Watching("Hello!")
    greeting = chunks_retrieved(SESSION, chunks=0, question="Hello!")
    greeting = greeting.model_copy(update={"understanding": greeting.understanding.model_copy(update={"intent": "greeting", "text": "Hello!"})})
    bench = await Bench(greeting, moderation=Moderation(watching)).asked()
    await bench.answer(ScriptedModel(SAID))

    assert [] == watching.seen


async def test_an_answer_that_is_given_again_was_looked_at_when_it_was_first_given() -> None:
    """Under the same moderator: answers that it found something in, or has not seen, are not kept."""
    watching = Watching()
    _, first, _ = await ended(Moderation(watching))
    assert isinstance(first, AnswerCompleted)
    bench = await Bench(moderation=Moderation(watching)).asked()
    bench.answers.put(first)
    await bench.answer(ScriptedModel(SAID))
    text, (again,) = await bench.read()

    assert isinstance(again, AnswerCompleted)
    assert (TEXT, "exact") == (text, again.cached.kind if again.cached else None)
    assert [FOUND.question, TEXT, FOUND.question] == watching.seen
