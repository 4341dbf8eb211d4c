"""streams/preferences/forming.py, run by the frame as a worker runs it, beside a replay of the same records."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import decode
from schemas.events import AnswerCompleted, Feedback, FeedbackGiven, GenerationStarted, PreferencePairFormed, RecordDeadLettered
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import DEAD_LETTERS, FEEDBACK, PREFERENCES
from streams.outlet import Tombstones
from streams.preferences.forming import form
from streams.preferences.rebuild import difference, held_pairs, mend
from streams.preferences.replay import bounds_now, replayed_pairs
from streams.step import Frame, Policy, Step
from streams.steps import no_failure, on_feedback
from tests.builders import CONTEXT, a_record, events_of
from tests.unit.streams.preferences.judged import ANSWERS, UNHURRIED, an_answer, feedback, given, retracted

SESSION = Session("default", "t1")


class Bench:
    """A session with three answers to one question, and a worker that meets feedback."""

    def __init__(self) -> None:
        self.journal, self.session_log = MemoryJournal(), MemorySessionLog()
        ports = SimpleNamespace(session_log=self.session_log, settings=Settings(implicit_weight=0.1))
        step = Step("form-preferences", FEEDBACK, partial(on_feedback, ports=ports), no_failure)  # type: ignore[arg-type]
        self._frame = Frame(step, journal=self.journal, session_log=self.session_log, policy=Policy(2, 5.0))

    async def answered(self) -> Bench:
        await self.session_log.create(SESSION)
        for answer_id in ANSWERS:
            await self.begin(answer_id)
            await self.end(an_answer(answer_id))
        return self

    async def begin(self, answer_id: str) -> None:
        about = {"tenant": "default", "session_id": "t1", "query_id": "q1", "answer_id": answer_id, "attempt": 1}
        await self.session_log.append(SESSION, [GenerationStarted(**about, id=f"{answer_id}:1", resumes_at=0, model="scripted")], CONTEXT)

    async def end(self, answer: AnswerCompleted) -> None:
        await self.session_log.append(SESSION, [answer], CONTEXT)
        await self.journal.append(answer, CONTEXT)

    async def say(self, event: Feedback) -> None:
        """Somebody writes it to the topic."""
        await self.journal.append(event, CONTEXT)

    async def work(self, event: Feedback, *, redelivered: bool = False) -> None:
        await self._frame.work(a_record(event, "feedback"), redelivered=redelivered, generation=1)

    def preferences(self) -> dict[str, PreferencePairFormed]:
        """What compaction would leave."""
        held: dict[str, PreferencePairFormed] = {}
        for record in self.journal.records(PREFERENCES):
            pair_id = (record.key or b"").decode()
            held.pop(pair_id, None)
            if record.value is not None:
                pair = decode(record)
                assert isinstance(pair, PreferencePairFormed)
                held[pair_id] = pair
        return held

    async def replayed(self) -> dict[str, PreferencePairFormed]:
        return await replayed_pairs(self.journal, await bounds_now(self.journal), implicit_weight=0.1)

    def letters(self) -> list[str]:
        letters = [decode(record) for record in self.journal.records(DEAD_LETTERS)]
        return [letter.error for letter in letters if isinstance(letter, RecordDeadLettered)]


@UNHURRIED
@for_all(st.lists(feedback(), max_size=8), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=3))
async def test_what_is_formed_live_is_what_a_replay_forms(events: list[Feedback], deaths: list[tuple[int, int]]) -> None:
    """Also when workers die on the way, and the records that were not acknowledged come again."""
    bench = await Bench().answered()
    for event in events:
        await bench.say(event)
    for place, event in enumerate(events, start=1):
        await bench.work(event)
        for _, back in (death for death in deaths if death[0] == place):
            for again in events[max(0, place - back) : place]:
                await bench.work(again, redelivered=True)

    assert await bench.replayed() == bench.preferences()


async def test_feedback_is_put_into_its_session_once() -> None:
    """Whatever it says; delivered again, it is recognised by its id."""
    bench = await Bench().answered()
    for event in (given(comment="Well."), retracted("f9")):
        await bench.work(event)
        await bench.work(event, redelivered=True)

    assert ["FeedbackGiven", "FeedbackRetracted"] == [event.type for event in await events_of(bench.session_log, SESSION)][-2:]
    assert {} == bench.preferences()


async def test_a_retraction_leaves_a_tombstone() -> None:
    """Readers of the compacted topic drop the pair."""
    bench = await Bench().answered()
    await bench.work(given(correction="Better."))
    formed = len(bench.preferences())
    await bench.work(retracted("f1"))

    assert (1, {}, None) == (formed, bench.preferences(), bench.journal.records(PREFERENCES)[-1].value)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (given(answer_id="a-none"), "unknown-answer"),
        (given(better_than="a-none", correction="Better."), "unknown-answer"),
        (given(correction=" Text of a-q1.\n"), "invalid-feedback"),
        (given(query="q2", thumb="up"), "invalid-feedback"),
    ],
)
async def test_feedback_that_does_not_fit_its_answer_is_a_dead_letter(event: FeedbackGiven, error: str) -> None:
    """With its remedy; no pair rests on any part of it, live or by replay; the next one is worked on."""
    bench = await Bench().answered()
    for each in (event, given("f2", correction="Better still.")):
        await bench.say(each)
        await bench.work(each)

    assert ([error], ["Better still."]) == (bench.letters(), [pair.chosen.text for pair in bench.preferences().values()])
    assert await bench.replayed() == bench.preferences()


async def test_who_votes_up_then_down_then_up_has_voted_up() -> None:
    """Also under one event id: every word is put into the session, and the last one counts for what is judged later, too."""
    bench = await Bench().answered()
    votes = [given("f1", at=at, thumb=thumb) for at, thumb in enumerate(["up", "down", "up"])]
    for event in [given("f0", "a-q1.1", stars=3), *votes, given("f3", "a-q1.2", stars=2)]:
        await bench.say(event)
        await bench.work(event)

    assert {"a-q1"} == {pair.chosen.answer_id for pair in bench.preferences().values() if pair.rejected.answer_id == "a-q1.1"}
    assert await bench.replayed() == bench.preferences()


async def test_a_worker_that_wakes_up_late_mends_what_it_wrote() -> None:
    """It had read the session; another one formed the pair and took it back; then it writes the pair, sees what it missed, and takes it back too."""
    bench = await Bench().answered()
    event, back = given(correction="Better."), retracted("f1")
    outputs = form(event, bench.session_log, nullcontext(), implicit_weight=0.1)
    assert event == await anext(outputs)
    for each in (event, back):
        await bench.say(each)
        await bench.work(each, redelivered=True)

    async for output in outputs:
        if isinstance(output, Tombstones):
            await bench.journal.retract(output.topic, output.keys, CONTEXT)
        else:
            await bench.journal.append_all(output, CONTEXT)  # type: ignore[arg-type]

    assert 4 == len(bench.journal.records(PREFERENCES))
    assert {} == bench.preferences() == await bench.replayed()


async def test_a_rebuild_finds_what_the_topic_lacks_and_what_is_due_to_go() -> None:
    """Feedback that no worker has seen, and its retraction; what the topic holds otherwise; and a pair that nothing stands behind."""
    bench = await Bench().answered()
    await bench.say(given("f1", correction="Better."))
    await bench.say(given("f2", "a-q1.1", correction="Best."))
    await bench.work(given("f2", "a-q1.1", correction="Good.", at=1))
    await bench.work(given("f3", by="bob", correction="Other."))
    found = await difference(bench.journal, implicit_weight=0.1)
    mended = await mend(bench.journal, CONTEXT, implicit_weight=0.1)
    left = await difference(bench.journal, implicit_weight=0.1)

    assert (1, 1, 1, 0) == (len(found.missing), len(found.other), len(found.gone), found.agreeing)
    assert (found, 0, 2) == (mended, left.size, left.agreeing)
    assert await bench.replayed() == await held_pairs(bench.journal)


async def test_who_judges_an_answer_that_is_still_being_made_waits_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the pair is formed, as a replay does."""
    bench, late = await Bench().answered(), an_answer("a-q1.9")
    await bench.begin("a-q1.9")

    async def meanwhile(seconds: float) -> None:
        await bench.end(late)

    monkeypatch.setattr("streams.preferences.forming.asyncio.sleep", meanwhile)
    event = given(answer_id="a-q1.9", correction="Better.")
    await bench.say(event)
    await bench.work(event)

    assert ["Text of a-q1.9."] == [pair.rejected.text for pair in bench.preferences().values()]
    assert await bench.replayed() == bench.preferences()
