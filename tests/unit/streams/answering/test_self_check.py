"""streams/answering/self_check.py: a draft that its model reads once more, and that nobody sees."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from connectors.language_model.base import Finish, LanguageModel, Prompt
from connectors.language_model.canned import CannedModel
from connectors.language_model.extractive import NO_ANSWER, ExtractiveModel
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
    text, finish = await said(SelfChecked(Mending()))

    assert "".join(MENDED) == text
    assert Finish(Usage(prompt_tokens=20, completion_tokens=6), "stop", "prompt 2", checked=True) == finish


async def test_the_model_is_shown_question_documents_and_draft() -> None:
    """With the conversation as before: whatever model answers can do it."""
    model = Mending()
    await said(SelfChecked(model))
    first, second = model.prompts

    assert PROMPT == first
    assert PROMPT == second._replace(question=PROMPT.question)
    assert PROMPT.question in second.question
    assert "".join(DRAFT) in second.question


@pytest.mark.parametrize("draft", [(NO_ANSWER,), ("Thirty ", "days ", "[1]."), ()])
async def test_what_claims_next_to_nothing_goes_out_as_it_is(draft: tuple[str, ...]) -> None:
    """Nothing is asked a second time."""
    model = Mending(draft)
    text, finish = await said(SelfChecked(model))

    assert ("".join(draft), 1, False) == (text, len(model.prompts), finish.checked)


async def test_a_failure_of_either_is_the_models() -> None:
    """So that it is tried again, or the next model answers."""
    with pytest.raises(ModelUnavailable):
        await said(SelfChecked(Mending(error=ModelUnavailable())))


async def test_closing_the_stream_closes_the_models() -> None:
    """Cancelling an answer ends its work."""
    model = Mending()
    async with aclosing(SelfChecked(model).stream(PROMPT)) as stream:
        await anext(stream)

    assert 2 == model.closed


def test_only_models_that_write_check_themselves_and_only_when_told_to() -> None:
    """Documents' own sentences need none."""
    speakers = tuple(map(Speaker, (Scripted(Script()), ExtractiveModel(), CannedModel("Hello!"))))

    assert [True, False, False] == [isinstance(speaker.model, SelfChecked) for speaker in checked(speakers, CHECKING)]
    assert speakers == checked(speakers, Settings())


def test_a_checked_answer_begins_anew_and_says_by_which_words_it_was_checked() -> None:
    """The draft is gone with its worker. The parameters name the template and a hash of its text: an unchecked answer is another one."""
    model = SelfChecked(Mending())

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
