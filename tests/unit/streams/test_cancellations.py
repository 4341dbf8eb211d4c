"""streams/cancellations.py over a journal in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress

import pytest

from connectors.journal.memory import MemoryFollower, MemoryJournal
from schemas.errors import LogUnavailable
from schemas.events import answer_id_of
from schemas.record import Draft
from schemas.topics import QUERIES, Topic
from streams import cancellations as module
from streams import following as following_module
from streams.cancellations import Cancellations, Making, Query, follow_cancellations
from tests.builders import CONTEXT, a_cancellation, a_query, a_session


def query(query_id: str, answer_id: str | None = None, asked_at: int = -1) -> Making:
    """An answer to a question of the session that the builders' events are of."""
    return Making(Query("default", "t1", query_id), answer_id or answer_id_of(query_id), asked_at)


class FlakyJournal(MemoryJournal):
    """Away for the next `away` questions for its ends and its followers."""

    away = 0

    def _answer(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise LogUnavailable

    async def ends(self, topic: Topic) -> Mapping[int, int]:
        self._answer()
        return await super().ends(topic)

    @asynccontextmanager
    async def follow(self, topic: Topic, start: Mapping[int, int] | None = None) -> AsyncIterator[MemoryFollower]:
        self._answer()
        async with super().follow(topic, start) as follower:
            yield follower


@asynccontextmanager
async def following(journal: MemoryJournal, cancellations: Cancellations) -> AsyncIterator[None]:
    task = asyncio.create_task(follow_cancellations(journal, cancellations))
    await turns()
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def turns() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def test_who_cancelled_is_remembered() -> None:
    """Of the latest queries; None of one that nobody cancelled."""
    cancellations = Cancellations()
    cancellations.cancel(a_cancellation(), at=0)

    assert (cancellations.cancelled_by(query("q1")), cancellations.cancelled_by(query("q2"))) == ("ann", None)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten first."""
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    cancellations = Cancellations()
    for number in range(3):
        cancellations.cancel(a_cancellation(query_id=f"q{number}"), at=0)

    assert [cancellations.cancelled_by(query(f"q{number}")) for number in range(3)] == [None, "ann", "ann"]


def test_listeners_hear_of_their_own_query_while_they_listen() -> None:
    """And no longer."""
    cancellations, heard = Cancellations(), list[str]()
    with cancellations.listening(query("q1"), lambda: heard.append("q1")):
        cancellations.cancel(a_cancellation(query_id="q2"), at=0)
        cancellations.cancel(a_cancellation(query_id="q1"), at=0)
    cancellations.cancel(a_cancellation(query_id="q1"), at=0)

    assert heard == ["q1"]


def test_two_who_answer_the_same_question_both_hear() -> None:
    """A partition that comes back while the work on it is still ending: the end of the first must not deafen the second."""
    cancellations, heard = Cancellations(), list[str]()
    first, second = (cancellations.listening(query("q1"), lambda name=name: heard.append(name)) for name in ("first", "second"))  # type: ignore[misc]
    with second:
        with first:
            cancellations.cancel(a_cancellation(), at=0)
        cancellations.cancel(a_cancellation(), at=0)

    assert sorted(heard) == ["first", "second", "second"]


async def test_a_cancellation_is_heard_from_the_log() -> None:
    """Questions, unreadable records and what lay there before are passed over; a producer's cancellation without headers is heard too."""
    journal, cancellations = MemoryJournal(), Cancellations()
    await journal.append(a_cancellation(query_id="before"), CONTEXT)
    async with following(journal, cancellations):
        journal._write(QUERIES.name, Draft(b"t1", b"broken", (("ce_type", b"QueryCancelled"),)))
        journal._write(QUERIES.name, Draft(b"t1", a_cancellation(query_id="bare").model_dump_json().encode(), ()))
        journal._write(QUERIES.name, Draft(b"t1", None, ()))
        await journal.append(a_query(query_id="asked"), CONTEXT)
        await journal.append(a_cancellation(query_id="last"), CONTEXT)
        await until(lambda: cancellations.cancelled_by(query("last")))

    assert [cancellations.cancelled_by(query(query_id)) for query_id in ("before", "bare", "asked", "last")] == [None, "ann", None, "ann"]


@pytest.mark.parametrize("away", [1, 2, 5])
async def test_while_the_log_is_away_it_is_asked_again(monkeypatch: pytest.MonkeyPatch, away: int) -> None:
    """Also when it is away at the very start."""
    monkeypatch.setattr(following_module, "_RETRY_S", 0.0)
    journal, cancellations = FlakyJournal(), Cancellations()
    journal.away = away
    async with following(journal, cancellations):
        await until(lambda: journal.away == 0)
        await turns()
        await journal.append(a_cancellation(), CONTEXT)
        await until(lambda: cancellations.cancelled_by(query("q1")))

    assert cancellations.cancelled_by(query("q1")) == "ann"


def test_a_query_of_the_same_name_in_another_session_goes_on() -> None:
    """Producers name their queries themselves: nobody stops another's answer, whatever id he gives."""
    cancellations, heard = Cancellations(), list[str]()
    with cancellations.listening(query("q1"), lambda: heard.append("stopped")):
        for other in (a_session(), a_session("acme")):
            cancellations.cancel(a_cancellation(other, "q1"), at=0)

    assert (heard, cancellations.cancelled_by(query("q1"))) == ([], None)


@pytest.mark.parametrize(("answer_id", "heard"), [(None, {"a-q1", "a-q1.1", "a-q1.2"}), ("a-q1.1", {"a-q1.1"}), ("a-q1", {"a-q1"})])
def test_a_cancellation_means_all_answers_to_its_question_or_the_one_that_it_names(answer_id: str | None, heard: set[str]) -> None:
    """Those that are being made, and those that will ask whether they were cancelled."""
    cancellations, told = Cancellations(), set[str]()
    makings = [query("q1"), query("q1", "a-q1.1", 3), query("q1", "a-q1.2", 4)]
    with ExitStack() as stack:
        for making in makings:
            stack.enter_context(cancellations.listening(making, lambda making=making: told.add(making.answer_id)))  # type: ignore[misc]
        cancellations.cancel(a_cancellation(answer_id=answer_id), at=5)

    assert heard == told == {making.answer_id for making in makings if cancellations.cancelled_by(making)}


def test_what_was_asked_for_behind_a_cancellation_is_not_meant() -> None:
    """Also where a worker hears of the older cancellation later, and of the same one twice."""
    cancellations, told = Cancellations(), list[str]()
    with cancellations.listening(query("q1", "a-q1.1", 7), lambda: told.append("stopped")):
        for at in (5, 6, 5):
            cancellations.cancel(a_cancellation(), at)

        assert ([], None) == (told, cancellations.cancelled_by(query("q1", "a-q1.1", 7)))
        cancellations.cancel(a_cancellation(), at=8)
        cancellations.cancel(a_cancellation(), at=6)

    assert (["stopped"], "ann") == (told, cancellations.cancelled_by(query("q1", "a-q1.1", 7)))
