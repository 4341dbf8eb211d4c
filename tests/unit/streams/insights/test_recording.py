"""streams/insights/recording.py: whose turn it is writes, and what it writes is what a fold says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import get_args

import pytest

from connectors.background import running
from connectors.journal.memory import MemoryJournal
from schemas.codec import decoded
from schemas.errors import LogUnavailable
from schemas.events import Figures, InsightsCounted
from schemas.insight_events import SECONDS, By, Window
from schemas.moments import seconds_of
from schemas.topics import INSIGHTS
from streams.insights.grouping import rows_of
from streams.insights.insights import Scope, gather
from streams.insights.recording import Kept, Recorder
from tests.builders import CONTEXT
from tests.unit.api.conftest import until
from tests.unit.streams.insights.judged_sessions import a_failure, asked
from tests.unit.streams.preferences.judged import an_answer, given

NOON = seconds_of("2026-11-01T12:00:00Z")
_Row = tuple[Window, str, By | None, str | None]


@asynccontextmanager
async def recorded(
    journal: MemoryJournal,
    *,
    mine: Callable[[], bool] = lambda: True,
    now: Callable[[], float] = lambda: NOON,
) -> AsyncIterator[None]:
    recorder = Recorder(journal, Kept(days=1, every_s=0.01), now=now)
    recorder.mine = mine
    async with running(recorder.run()):
        yield


def held(journal: MemoryJournal) -> dict[_Row, Figures]:
    last = {record.key: decoded(record) for record in journal.records(INSIGHTS)}
    return {(row.window, row.start, row.by, row.value): row.figures for row in last.values() if isinstance(row, InsightsCounted)}


async def folded(journal: MemoryJournal) -> dict[_Row, Figures]:
    judged = (await gather(journal, Scope())).answers
    looks: list[tuple[By | None, Window]] = [(by, window) for by in (None, *get_args(By)) for window in SECONDS]
    return {(window, row.window or "", by, row.value): row.figures for by, window in looks for row in rows_of(judged, by, window)}


async def agreed(journal: MemoryJournal) -> None:
    wanted = await folded(journal)
    await until(lambda: held(journal) == wanted)


async def test_rows_follow_the_log() -> None:
    """What was there before, and what comes."""
    async with MemoryJournal() as journal:
        await journal.append_all([an_answer(), a_failure("a-2")], CONTEXT)
        async with recorded(journal):
            await agreed(journal)
            await journal.append_all([an_answer(attempt=2, time="2026-11-01T11:00:00Z"), given(thumb="up"), asked()], CONTEXT)
            await agreed(journal)

        assert 1 == held(journal)["1d", "2026-11-01T00:00:00.000Z", None, None].thumbs_up


async def test_who_begins_again_writes_nothing_that_stands() -> None:
    """Also where nothing has changed since, and beside another who does the same."""
    async with MemoryJournal() as journal:
        await journal.append_all([an_answer(), given()], CONTEXT)
        async with recorded(journal):
            await agreed(journal)
        before = len(journal.records(INSIGHTS))
        async with recorded(journal), recorded(journal):
            await journal.append(an_answer("a-9"), CONTEXT)
            await agreed(journal)
            await asyncio.sleep(0.1)

        assert (9, True) == (before, len(journal.records(INSIGHTS)) <= before + 2 * 9)


async def test_only_whose_turn_it_is_writes() -> None:
    """Until it is, and when it is no more."""
    turn = [False]
    async with MemoryJournal() as journal:
        await journal.append(an_answer(), CONTEXT)
        async with recorded(journal, mine=lambda: turn[0]):
            await asyncio.sleep(0.05)
            nothing = len(journal.records(INSIGHTS))
            turn[0] = True
            await agreed(journal)
            turn[0] = False
            await asyncio.sleep(0.7)  # longer than it reads
            await journal.append(an_answer("a-9"), CONTEXT)
            await asyncio.sleep(0.7)

        assert 0 == nothing
        assert 1 == held(journal)["1d", "2026-11-01T00:00:00.000Z", None, None].answers


async def test_a_new_day_begins_while_it_runs() -> None:
    """The rows of the day before stay as they stand; of days that are older nothing is counted any more."""
    now = [NOON]
    async with MemoryJournal() as journal, recorded(journal, now=lambda: now[0]):
        await journal.append(an_answer(time="2026-10-31T10:00:00Z"), CONTEXT)
        await agreed(journal)
        now[0] += SECONDS["1d"]
        await journal.append(an_answer("a-9"), CONTEXT)
        await agreed(journal)
        await journal.append_all([given(thumb="up"), given("f2", "a-9", thumb="up")], CONTEXT)
        days = {"2026-10-31T00:00:00.000Z": 0, "2026-11-01T00:00:00.000Z": 1}
        await until(lambda: days == {row[1]: figures.thumbs_up for row, figures in held(journal).items() if row[0] == "1d" and row[2] is None})


async def test_a_log_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And all is read again."""
    monkeypatch.setattr("streams.insights.recording._RETRY_S", 0.01)
    away = [2]

    class Flaky(MemoryJournal):
        async def append_all(self, events, context):  # type: ignore[no-untyped-def]
            if events and isinstance(events[0], InsightsCounted) and away[0]:
                away[0] -= 1
                raise LogUnavailable
            return await super().append_all(events, context)

    async with Flaky() as journal:
        await journal.append(an_answer(), CONTEXT)
        async with recorded(journal):
            await agreed(journal)

    assert [0] == away
