"""Several answers to one question: made side by side, each whole, compared into a preference pair; one worker dies in the middle of them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import orjson
import pytest

from connectors.journal import open_journal
from infra.ingest import submit_and_wait
from schemas.events import DocumentSubmitted, PreferencePairFormed
from schemas.settings import Settings
from streams.preferences.rebuild import held_pairs
from tests.acceptance.fleet import ANSWER_S, Api, Fleet, Frame, words_of
from tests.acceptance.roxy_command import roxy
from tests.acceptance.watching import Watch, ask_watched, assert_one_whole_answer

QUESTION = "How long are records kept?"
_PACE = {"per_token_s": 0.05}
FIRST, SECOND, THIRD = ("scripted:" + orjson.dumps({"text": " ".join([word] * 80), **_PACE}).decode() for word in ("one", "two", "three"))
TEXTS = {name: " ".join([word] * 80) + " [1]" for name, word in ((FIRST, "one"), (SECOND, "two"), (THIRD, "three"))}


@pytest.fixture
async def kept(settings: Settings) -> AsyncIterator[Fleet]:
    """Processes with a document to answer from."""
    models = (SECOND, THIRD)
    fleet = Fleet(settings.model_copy(update={"language_model": FIRST, "sibling_models": models, "refusals": False, "embedder": "none"}))
    yield fleet
    await fleet.close()


async def a_question(fleet: Fleet, api: Api) -> Watch:
    """Its answer takes four seconds."""
    content = "# Records\n\nRecords are kept for thirty days, or for ever where the topic says so."
    document = DocumentSubmitted(id="kept@1", tenant="default", document_id="kept", content_type="text/markdown", content=content)
    await submit_and_wait(fleet.settings, [document])
    return await ask_watched(api, QUESTION)


async def another(watch: Watch, model: str, api: Api | None = None) -> Watch:
    """Another answer to the same question, by that model."""
    api = api or watch.api
    accepted = await api.regenerate(watch.session, watch.accepted["query_id"], settings={"language_model": model})
    return Watch(api, watch.session, accepted)


async def some_words(*watches: Watch) -> None:
    """Until each answer has begun."""
    async with asyncio.timeout(ANSWER_S):
        while not all(len(watch.texts) >= 5 for watch in watches):
            await asyncio.sleep(0.05)


async def test_answers_to_a_question_are_made_side_by_side_and_compared(kept: Fleet) -> None:
    """Three at once, each whole for its own reader, and for who reads the session; the better one and the other are a pair of one context."""
    await kept.worker()
    one, two = await kept.api(), await kept.api()
    first = await a_question(kept, one)
    second, third = await another(first, SECOND, two), await another(first, THIRD)
    watches = {FIRST: first, SECOND: second, THIRD: third}
    await asyncio.gather(*(watch.task for watch in watches.values()))
    frames = await two.history(first.session)
    better, worse = second.accepted["answer_id"], third.accepted["answer_id"]
    told = await asyncio.to_thread(roxy, kept.settings, "feedback", "compare", first.session, better, worse, "--url", one.url, "--json")
    pair = await a_pair(kept, first.session)

    for model, watch in watches.items():
        assert_one_whole_answer(watch, TEXTS[model])
        assert TEXTS[model] == words_of([frame for frame in frames if frame.event.get("answer_id") == watch.accepted["answer_id"]])
    assert at_once(frames, [watch.accepted["answer_id"] for watch in watches.values()])
    assert better == told.json["answer_id"]
    assert (better, worse, "comparison", True) == (pair.chosen.answer_id, pair.rejected.answer_id, pair.signal, pair.same_context)
    assert pair.context is not None


def at_once(frames: list[Frame], answer_ids: list[str]) -> bool:
    """Whether all of them had begun before the first one ended."""
    places = {
        name: [place for place, frame in enumerate(frames) if frame.event.get("answer_id") == name and "attempt" in frame.event]
        for name in answer_ids
    }
    return max(each[0] for each in places.values()) < min(each[-1] for each in places.values())


async def a_pair(fleet: Fleet, session: str) -> PreferencePairFormed:
    async with asyncio.timeout(ANSWER_S), open_journal(fleet.settings) as journal:
        while True:
            for pair in (await held_pairs(journal)).values():
                if pair is not None and pair.session_id == session:
                    return pair
            await asyncio.sleep(0.2)


async def test_a_worker_killed_in_the_middle_of_several_answers_leaves_each_whole(kept: Fleet) -> None:
    """The next one goes on with all of them, each where it stood, with the settings that it was asked for."""
    doomed, api = await kept.worker(), await kept.api()
    first = await a_question(kept, api)
    second, third = await another(first, SECOND), await another(first, THIRD)
    await some_words(first, second, third)
    await kept.signal(doomed, signal.SIGKILL)
    await kept.worker()
    await asyncio.gather(*(watch.task for watch in (first, second, third)))

    for watch, model in ((first, FIRST), (second, SECOND), (third, THIRD)):
        assert_one_whole_answer(watch, TEXTS[model])


async def test_one_answer_is_cancelled_alone_and_a_question_with_all_of_its_answers(kept: Fleet) -> None:
    """At any API process; what is asked for behind it is answered."""
    await kept.worker()
    one, two = await kept.api(), await kept.api()
    first = await a_question(kept, one)
    second, third = await another(first, SECOND), await another(first, THIRD)
    await some_words(first, second, third)
    await two.post(second.accepted["links"]["cancel"], {})
    await second.task
    going_on = [watch.task.done() for watch in (first, third)]
    await two.post(first.accepted["links"]["cancel"], {})
    last = await another(first, SECOND)
    await asyncio.gather(first.task, third.task, last.task)

    assert [False, False] == going_on
    assert ["AnswerCancelled"] * 3 == [frame.type for watch in (first, second, third) for frame in watch.ends]
    assert_one_whole_answer(last, TEXTS[SECOND])
