"""Answer cache: a projection of `answers` that forgets by the answers' own time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.journal.memory import MemoryJournal
from schemas.codec import decode
from schemas.event import rfc3339
from schemas.events import Event
from schemas.record import Record
from streams import following
from streams.answering import answer_cache as module
from streams.answering.answer_cache import AnswerCache, Hit
from streams.answering.near_questions import NearQuestions
from tests.builders import CONTEXT
from tests.unit.streams.answering.answer_caches import SEMANTIC, TwoWays, a_cache, a_key, an_answer, given_for, learnt


async def test_the_same_question_is_given_the_same_answer() -> None:
    """With whose it was; another question is not."""
    cache = a_cache(an_answer())
    hit, other = await given_for(cache, a_key()), await given_for(cache, a_key("other"))

    assert hit is not None
    assert ("Kept [1].", "exact", "a-1", 1.0) == (hit.text, hit.cached.kind, hit.cached.answer_id, hit.cached.similarity)
    assert other is None


async def test_an_answer_grows_old_by_its_own_time() -> None:
    """However late its record was read."""
    cache = a_cache(an_answer(age_s=3_599), an_answer(key=a_key("old"), age_s=3_601))
    young, old = await given_for(cache, a_key()), await given_for(cache, a_key("old"))

    assert (True, None) == (young is not None, old)


async def test_who_asks_says_how_old_an_answer_may_be() -> None:
    """An arm of an experiment may want younger ones than the rest; also of a question that means the same."""
    near = NearQuestions(TwoWays(), wanted=True)
    cache = a_cache(an_answer(key=a_key("What is alike?"), age_s=60), near=near)
    await learnt(near)

    async def within(seconds: float, asked: str) -> bool:
        return await given_for(cache, a_key(asked), SEMANTIC.model_copy(update={"answer_cache_s": seconds})) is not None

    assert (True, False) == (await within(61, "What is alike?"), await within(59, "What is alike?"))
    assert (True, False) == (await within(61, "What does alike mean?"), await within(59, "What does alike mean?"))


async def test_answers_are_kept_for_whoever_may_be_given_the_oldest() -> None:
    """Whichever arm it is that says so."""
    young, old = (SEMANTIC.model_copy(update={"answer_cache_s": seconds}) for seconds in (60.0, 3_600.0))
    cache = AnswerCache.of([young, old], None)
    cache.put(an_answer().model_copy(update={"time": rfc3339(datetime.now(UTC) - timedelta(seconds=600))}))

    assert (False, True) == (await given_for(cache, a_key(), young) is not None, await given_for(cache, a_key(), old) is not None)


async def test_what_has_no_key_is_not_kept() -> None:
    """Its worker has said that it may not be given again."""
    cache = a_cache(an_answer().model_copy(update={"cache_key": None}))

    assert 0 == len(cache)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.integers(0, 5_000)), max_size=12), st.data())
def test_order_and_redelivery_make_no_difference(told: list[tuple[str, int, int]], data: st.DataObject) -> None:
    """Two workers that have read the same records give the same answers."""
    answers = [an_answer(f"{number}", a_key(question), number=number, age_s=age) for question, number, age in told]
    doubles = st.lists(st.sampled_from(answers), max_size=4) if answers else st.just([])
    shuffled = [*data.draw(st.permutations(answers)), *data.draw(doubles)]

    async def all_given(cache: AnswerCache) -> list[Hit | None]:
        return [await given_for(cache, a_key(question)) for question in "abc"]

    one, other = (asyncio.run(all_given(a_cache(*some))) for some in (answers, shuffled))
    latest = {question: max((-age, f"a-{number}") for asked, number, age in told if asked == question) for question in {asked for asked, *_ in told}}
    expected = [latest[question][1] if question in latest and -latest[question][0] < 3_600 else None for question in "abc"]
    assert expected == [hit.cached.answer_id if hit else None for hit in one]
    assert expected == [hit.cached.answer_id if hit else None for hit in other]


@given(st.lists(st.integers(0, 2_000), max_size=30))
def test_memory_is_bounded(lengths: list[int]) -> None:
    """By the texts' lengths; what has been given lately stays longest."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_BYTES", 10_000)
        cache = a_cache(*(an_answer("x" * length, a_key(f"{place}"), number=place) for place, length in enumerate(lengths)))

    assert sum(sorted(lengths)[: len(cache)]) + 2_048 * len(cache) <= 10_000
    assert min(len(lengths), 2) <= len(cache) <= 4


async def test_what_has_no_key_is_not_even_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every worker reads all answers; a text that speaks of keys is one like others."""
    decoded: list[str] = []

    def decoding(record: Record) -> Event:
        event = decode(record)
        decoded.append(event.id)
        return event

    monkeypatch.setattr(following, "decode", decoding)
    journal, cache = MemoryJournal(), AnswerCache()
    for number, (text, key) in enumerate([("So.", None), ('It says "cache_key":null [1].', a_key("1")), ("So.", None), ("So [1].", a_key("2"))]):
        answer = an_answer(text, key, number=number).model_copy(update={"cache_key": key, "time": rfc3339(datetime.now(UTC))})
        await journal.append(answer, CONTEXT)
    task = asyncio.create_task(cache.follow(journal))
    async with asyncio.timeout(5):
        while len(cache) < 2:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert ["a-1:end", "a-3:end"] == decoded


async def test_an_answer_of_no_known_age_is_passed_over() -> None:
    """A record that somebody else has written; what comes behind it is read."""
    journal, cache = MemoryJournal(), AnswerCache()
    for place, moment in enumerate(("yesterday", "9999-99-99T00:00:00Z", rfc3339(datetime.now(UTC)))):
        await journal.append(an_answer(key=a_key(f"{place}"), number=place).model_copy(update={"time": moment}), CONTEXT)
    task = asyncio.create_task(cache.follow(journal))
    async with asyncio.timeout(5):
        while not len(cache) and not task.done():
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert await given_for(cache, a_key("2")) is not None


async def test_a_start_reads_back_what_may_still_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """And then what comes; no more than finds room."""
    monkeypatch.setattr(module, "_READ_BACK", 2)
    journal, cache = MemoryJournal(), AnswerCache(near=NearQuestions(TwoWays()))
    for place in range(3):
        await journal.append(an_answer(key=a_key(f"{place}"), number=place).model_copy(update={"time": rfc3339(datetime.now(UTC))}), CONTEXT)
    task = asyncio.create_task(cache.follow(journal))
    async with asyncio.timeout(5):
        while len(cache) < 2:
            await asyncio.sleep(0)
        await journal.append(an_answer(key=a_key("3"), number=3).model_copy(update={"time": rfc3339(datetime.now(UTC))}), CONTEXT)
        while len(cache) < 3:
            await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    hits = [await given_for(cache, a_key(f"{place}")) for place in range(4)]

    assert [False, True, True, True] == [hit is not None for hit in hits]
