"""streams/answering/self_check.py: a draft that its model reads once more, and that nobody sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from connectors.language_model.base import Finish, LanguageModel, Prompt, Turn
from connectors.language_model.canned import CannedModel
from connectors.language_model.extractive import NO_ANSWER, ExtractiveModel
from connectors.language_model.prompting import template
from connectors.language_model.scripted import Script
from connectors.language_model.scripted import ScriptedModel as Scripted
from schemas.errors import ModelUnavailable
from schemas.events import AnswerCompleted, GenerationStarted, Usage
from schemas.settings import Settings
from streams.answering.self_check import SelfChecked, checked
from streams.answering.speaker import Speaker
from tests.builders import ScriptedModel, a_chunk
from tests.unit.streams.answering.bench import Bench

CHECKING = Settings(self_check=True)
PROMPT = Prompt("How long is it kept?", (a_chunk(1), a_chunk(2)))
DRAFT, MENDED = ("It is ", "kept for ", "thirty years [1]."), ("It is ", "kept for ", "thirty days [2].")


class Mending(ScriptedModel):
    """Drafts, and mends what it is shown."""

    def __init__(self, draft: tuple[str, ...] = DRAFT, mended: tuple[str, ...] = MENDED, error: Exception | None = None) -> None:
        super().__init__(draft, "prefix")
        self.prompts: list[Prompt] = []
        self._mended, self._fails = mended, error

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        assert not prefix
        self.prompts.append(prompt)
        try:
            for token in self._tokens if len(self.prompts) == 1 else self._mended:
                yield token
            if self._fails is not None:
                raise self._fails
            yield Finish(Usage(prompt_tokens=10, completion_tokens=3), "stop", f"prompt {len(self.prompts)}")
        finally:
            self.closed += 1


async def said(model: LanguageModel) -> tuple[str, Finish]:
    *tokens, finish = [part async for part in model.stream(PROMPT)]
    assert isinstance(finish, Finish)
    return "".join(token for token in tokens if isinstance(token, str)), finish


async def test_the_mended_answer_is_streamed_and_the_draft_is_not() -> None:
    """Its Finish counts both, and says that it was checked; the prompt is the one of the text that is out."""
    text, finish = await said(SelfChecked(Mending(), CHECKING))

    assert "".join(MENDED) == text
    assert Finish(Usage(prompt_tokens=20, completion_tokens=6), "stop", "prompt 2", checked=True) == finish


async def test_the_model_is_shown_question_documents_and_draft() -> None:
    """With the conversation as before: whatever model answers can do it."""
    model = Mending()
    await said(SelfChecked(model, CHECKING))
    first, second = model.prompts

    assert PROMPT == first
    assert PROMPT == second._replace(question=PROMPT.question)
    assert PROMPT.question in second.question
    assert "".join(DRAFT) in second.question


@pytest.mark.parametrize("draft", [(NO_ANSWER,), ("Thirty ", "days ", "[1]."), ()])
async def test_what_claims_next_to_nothing_goes_out_as_it_is(draft: tuple[str, ...]) -> None:
    """Nothing is asked a second time."""
    model = Mending(draft)
    text, finish = await said(SelfChecked(model, CHECKING))

    assert ("".join(draft), 1, False) == (text, len(model.prompts), finish.checked)


async def test_a_failure_of_either_is_the_models() -> None:
    """So that it is tried again, or the next model answers."""
    with pytest.raises(ModelUnavailable):
        await said(SelfChecked(Mending(error=ModelUnavailable()), CHECKING))


class Late(Mending):
    """Drafts, and never comes to an end of mending."""

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        async with aclosing(super().stream(prompt, prefix=prefix)) as parts:
            async for part in parts:
                yield part
                if len(self.prompts) > 1:
                    await asyncio.Event().wait()


async def test_draft_and_mending_have_the_time_of_one_answer() -> None:
    """Who is late with both has failed as a model fails, so that the next one is asked while the step has time."""
    late = Late()

    with pytest.raises(ModelUnavailable, match="took longer than"):
        await said(SelfChecked(late, Settings(self_check=True, model_total_s=0.05)))
    assert 2 == late.closed


async def test_the_conversation_gives_way_to_the_draft() -> None:
    """The second prompt is no longer than the first may be; the documents stay."""
    model = Mending()
    model.template = template()
    prompt = PROMPT._replace(turns=(Turn("What is it?", "It is " * 100),))
    [_ async for _ in SelfChecked(model, Settings(self_check=True, prompt_tokens=600)).stream(prompt)]

    assert [(prompt.turns, PROMPT.chunks), ((), PROMPT.chunks)] == [(asked.turns, asked.chunks) for asked in model.prompts]


@pytest.mark.parametrize("words", [300, 3_000])
async def test_a_draft_that_is_too_long_to_be_checked_goes_out_as_it_is(words: int) -> None:
    """A check against fewer documents would take out what the others hold."""
    draft = ("word ",) * words
    model = Mending(draft)
    model.template = template()
    text, finish = await said(SelfChecked(model, Settings(self_check=True, prompt_tokens=700)))

    assert ("".join(draft), 1, False) == (text, len(model.prompts), finish.checked)


async def test_closing_the_stream_closes_the_models() -> None:
    """Cancelling an answer ends its work."""
    model = Mending()
    async with aclosing(SelfChecked(model, CHECKING).stream(PROMPT)) as stream:
        async for part in stream:
            if part:
                break

    assert 2 == model.closed


def test_only_models_that_write_check_themselves_and_only_when_told_to() -> None:
    """Documents' own sentences need none."""
    speakers = tuple(map(Speaker, (Scripted(Script()), ExtractiveModel(), CannedModel("Hello!"))))

    assert [True, False, False] == [isinstance(speaker.model, SelfChecked) for speaker in checked(speakers, CHECKING)]
    assert speakers == checked(speakers, Settings())


def test_a_checked_answer_begins_anew_and_says_by_which_words_it_was_checked() -> None:
    """The draft is gone with its worker. The parameters name the template and a hash of its text: an unchecked answer is another one."""
    model = SelfChecked(Mending(), CHECKING)

    assert ("restart", "scripted", "check.v1") == (model.resumes, model.name, model.parameters["check"])
    assert 16 == len(model.parameters["check_hash"])


async def test_an_answer_is_told_to_be_checked_and_survives_its_worker() -> None:
    """Begun anew by the next worker, from whatever record on."""
    first = await Bench(settings=CHECKING).asked()
    await first.answer(Mending())
    written = (await first.events())[1:]
    for out in range(1, len(written)):
        bench = await Bench(settings=CHECKING).asked()
        await bench.write(*written[:out])
        await bench.answer(Mending(), generation=2, redelivered=True)
        text, (end,) = await bench.read()

        assert isinstance(end, AnswerCompleted)
        assert ("".join(MENDED), True, 6) == (text, end.checked, end.usage.completion_tokens)
    assert [0] == [event.resumes_at for event in written if isinstance(event, GenerationStarted)]
