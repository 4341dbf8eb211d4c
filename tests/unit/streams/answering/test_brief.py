"""Brief: who is asked, with what, and what the platform says by itself."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.language_model.base import LanguageModel, Prompt
from connectors.language_model.prompting import template
from connectors.session_log.memory import MemorySessionLog
from schemas.errors import InvalidQuery
from schemas.events import CachedAnswer, CacheKey, ChunksRetrieved, Intent, Refused, Understanding
from schemas.settings import Settings
from streams.answering.answer_cache import AnswerCache, Hit
from streams.answering.brief import Brief, brief_of
from streams.answering.conversation import Conversations
from streams.answering.in_force import InForce
from streams.answering.speakers import Speakers
from streams.search.plan import Plan
from tests.builders import ScriptedModel
from tests.unit.streams.answering.bench import FOUND

GIVEN = CachedAnswer(kind="exact", answer_id="a-before")
SETTINGS = Settings(language_model="own", fallback_models=("other",), refusals=False)


class Given(AnswerCache):
    """Every question was answered before."""

    async def get(self, key: CacheKey, prompt: Prompt, settings: Settings) -> Hit | None:
        return Hit("Kept for ever [1].", GIVEN)


def named(name: str, settings: Settings) -> LanguageModel:
    model: Any = ScriptedModel(name=name)
    model.template = template() if name.startswith("asked") else None
    return model  # type: ignore[no-any-return]


async def briefed(found: ChunksRetrieved = FOUND, settings: Settings = SETTINGS, answers: AnswerCache | None = None, **told: Any) -> Brief:
    async with MemorySessionLog() as session_log:
        return await brief_of(
            found,
            InForce(settings, Plan.of(settings), {}),
            speakers=Speakers(settings, named),
            conversations=Conversations(session_log),
            answers=AnswerCache() if answers is None else answers,
            **told,
        )


def models(brief: Brief) -> list[str]:
    return [speaker.model.name for speaker in brief.speakers]


async def test_a_question_is_given_to_its_model_and_to_the_next_if_that_fails() -> None:
    """The answer may be given again only as the first one's."""
    brief = await briefed()

    assert ["own", "other"] == models(brief)
    assert [True, False] == [speaker.cache_key is not None for speaker in brief.speakers]
    assert brief.meant is brief.speakers[0]


async def test_an_answer_that_was_given_before_goes_first_and_the_models_behind_it() -> None:
    """For the one that may have begun this very answer."""
    brief = await briefed(answers=Given())

    assert ["canned", "own", "other"] == models(brief)
    assert (GIVEN, None) == (brief.speakers[0].cached, brief.speakers[0].cache_key)
    assert "own" == brief.meant.model.name


async def test_an_answer_that_is_wanted_anew_is_not_taken_from_before() -> None:
    """It may be given again in its turn."""
    brief = await briefed(answers=Given(), anew=True)

    assert ["own", "other"] == models(brief)
    assert brief.speakers[0].cache_key is not None


@pytest.mark.parametrize(
    ("intent", "question", "refused"),
    [("greeting", "Hello!", None), ("lookup", "What is the airspeed of an unladen swallow?", "confidence")],
)
async def test_what_needs_no_model_is_said_by_the_platform(intent: Intent, question: str, refused: Refused | None) -> None:
    """A courtesy, and that the documents do not hold the answer; it cannot fail, so nobody stands behind it."""
    asked = FOUND.model_copy(update={"question": question, "understanding": Understanding(text=question, intent=intent)})
    brief = await briefed(asked, SETTINGS.model_copy(update={"refusals": True}))

    assert [("canned", refused)] == [(speaker.model.name, speaker.refused) for speaker in brief.speakers]


LONG = FOUND.model_copy(update={"understanding": FOUND.understanding.model_copy(update={"text": "why " * 500})})


async def test_a_question_that_is_too_long_for_a_fallback_alone_is_answered() -> None:
    """By who is asked in no words; the others are left out."""
    short = SETTINGS.model_copy(update={"fallback_models": ("asked", "other"), "prompt_tokens": 400})

    assert ["own", "asked", "other"] == models(await briefed(settings=short))
    assert ["own", "other"] == models(await briefed(LONG, settings=short))


async def test_a_question_that_is_too_long_for_who_is_to_answer_is_refused() -> None:
    """Although another could: nobody asked that one."""
    with pytest.raises(InvalidQuery):
        await briefed(LONG, settings=SETTINGS.model_copy(update={"language_model": "asked", "prompt_tokens": 400}))
