"""streams/answering/refusal.py: which questions no model is asked, and how they end. Judged on the sample documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.language_model.evidence import confidence
from connectors.language_model.extractive import NO_ANSWER
from infra.environment import PROJECT
from infra.evaluation.asking import _retrieved
from infra.evaluation.dataset import TENANT, read_dataset
from infra.evaluation.indexing import Indexes
from schemas.events import AnswerCompleted, GenerationStarted, QueryAsked, Refused, Route, Understanding
from schemas.settings import Settings
from streams.answering.moderation import Verdict
from streams.answering.refusal import refusal_of
from tests.builders import ScriptedModel, chunks_retrieved
from tests.unit.streams.answering.bench import FOUND, SAID, SESSION, Bench

SAMPLES = PROJECT / "infra/samples/beir"
UNSURE, SURE = Route(confidence=0.1), Route(confidence=0.9)


def refused(route: Route = UNSURE, *, model: str = "scripted", converses: bool = False, understanding: Understanding | None = None) -> Refused | None:
    found = FOUND if understanding is None else FOUND.model_copy(update={"understanding": understanding})
    speaker = ScriptedModel(name=model)
    speaker.converses = converses
    return refusal_of(found, route, Settings(), Verdict(), speaker)


@pytest.mark.parametrize(("route", "expected"), [(UNSURE, "confidence"), (SURE, None), (Route(), None), (Route(confidence=0.3), None)])
def test_what_the_chunks_very_likely_do_not_answer_is_refused(route: Route, expected: str | None) -> None:
    """Below ROXY_REFUSE_BELOW; a question for which nothing was looked up is not."""
    assert expected == refused(route)


def test_the_extractive_model_judges_for_itself() -> None:
    """It says the same sentence, by its own measure."""
    assert refused(model="extractive") is None


def test_what_leans_on_the_session_is_left_to_a_model_that_is_told_of_it() -> None:
    """ "Say that in one sentence": its answer stands in the session. To a model that is not told, it is a question as any other."""
    leaning = [Understanding(text="say that shorter", intent="follow-up"), Understanding(text="why? (lag)", follows=("q0",))]

    assert [None, None] == [refused(converses=True, understanding=one) for one in leaning]
    assert ["confidence", "confidence"] == [refused(understanding=one) for one in leaning]


def test_refusals_can_be_switched_off() -> None:
    """ROXY_REFUSALS; what a moderator says holds all the same."""
    off = Settings(refusals=False)

    assert refusal_of(FOUND, UNSURE, off, Verdict(), ScriptedModel()) is None
    assert "moderation" == refusal_of(FOUND, SURE, off, Verdict(("hate",)), ScriptedModel())


async def test_a_refused_question_ends_as_any_other_in_the_platforms_words() -> None:
    """No model is asked; both events say why."""
    bench, model = await Bench(chunks_retrieved(SESSION, understanding=Understanding(text="Who wrote Hamlet?"))).asked(), ScriptedModel(SAID)
    await bench.answer(model)
    started = next(event for event in await bench.events() if isinstance(event, GenerationStarted))
    text, (end,) = await bench.read()

    assert isinstance(end, AnswerCompleted)
    assert (NO_ANSWER, [], "confidence", "confidence") == (text, model.prefixes, started.refused, end.refused)
    assert (False, None, "canned") == (end.answered, end.cache_key, end.model)


async def test_of_the_sample_questions_next_to_none_is_refused_and_most_of_those_without_an_answer_are() -> None:
    """By keywords: 40 questions that the sample documents answer, 23 that they do not, ten of these about neighbouring software."""
    here = Path(__file__).with_name("unanswerable.jsonl").read_text(encoding="utf-8")
    elsewhere = (SAMPLES / "unanswerable.jsonl").read_text(encoding="utf-8")
    dataset = read_dataset(SAMPLES)
    indexed = await Indexes(dataset.documents, Settings(embedder="none")).of(Settings(embedder="none"))

    async def is_refused(number: int, text: str) -> bool:
        asked = QueryAsked(id=f"q{number}", tenant=TENANT, session_id=f"t{number}", query_id=f"q{number}", text=text)
        found = await _retrieved(indexed.ports, asked, number)
        return confidence(found.understanding.text, found.chunks) < Settings().refuse_below

    answered = [await is_refused(number, question.text) for number, question in enumerate(dataset.questions)]
    others = [await is_refused(number, json.loads(line)["text"]) for number, line in enumerate((elsewhere + here).splitlines(), 100)]

    assert (40, 23) == (len(answered), len(others))
    assert (sum(answered), sum(others) >= 20) == (0, True)
