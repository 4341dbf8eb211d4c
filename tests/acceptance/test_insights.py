"""`roxy insights`, by the command that an operator types, over records on a real Kafka."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from connectors.journal import open_journal
from schemas.event import now
from schemas.settings import Settings
from tests.acceptance.roxy_command import Ran, roxy
from tests.builders import CONTEXT
from tests.unit.streams.preferences.judged import an_answer, given

LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture
async def tenant(settings: Settings) -> str:
    """One with answers of two models in two arms, and judgements, some of which lie there twice."""
    name = f"t{uuid.uuid4().hex[:8]}"
    events: list[Any] = []
    for number in range(8):
        where = {"tenant": name, "session_id": f"s{number}", "time": now()}
        model, arm, good = ("large", "new", number % 4 > 0) if number % 2 else ("small", "old", number % 4 > 1)
        events.append(
            an_answer(f"a-{number}", model=model, arms={"words": arm}, answered=good, asked=f"Question {number}?", took_ms=float(number), **where)
        )
        events.append(given("f1", f"a-{number}", thumb="up" if good else "down").model_copy(update=where))
    events.append(an_answer("a-old", tenant=name, time=LONG_AGO))
    async with open_journal(settings) as journal:
        await journal.append_all([*events, *events[:7]], CONTEXT)
    return name


async def command(settings: Settings, *arguments: str) -> Ran:
    ran = await asyncio.to_thread(roxy, settings, "insights", *arguments)
    assert ran.exit_code == 0, ran.stderr + ran.stdout
    return ran


async def test_figures_are_folded_out_of_the_log(settings: Settings, tenant: str) -> None:
    """Each record once, however often it lies there; by model; since a moment; with what was not answered, and the arms compared."""
    told = (await command(settings, "--tenant", tenant, "--by", "model", "--since", "1d", "--compare", "--json")).json
    ever = (await command(settings, "--tenant", tenant, "--since", "all", "--json")).json
    by_model = {row["value"]: row["figures"] for row in told["rows"]}

    assert {"large": (4, 4, 1.0), "small": (4, 2, 0.5)} == {name: (of["answers"], of["answered"], of["mark"]) for name, of in by_model.items()}
    assert [("Question 4?", 1), ("Question 0?", 1)] == [(one["question"], one["times"]) for one in told["unanswered"]]
    assert {("old", "mark", -0.5), ("old", "answered", -0.5)} <= {(one["arm"], one["figure"], one["difference"]) for one in told["differences"]}
    assert [9] == [row["figures"]["answers"] for row in ever["rows"]]


async def test_people_get_tables_and_a_plot(settings: Settings, tenant: str) -> None:
    """By window and document too."""
    shown = (await command(settings, "--tenant", tenant, "--since", "1h", "--window", "1h", "--by", "arm", "--plot", "answers")).stdout
    compared = (await command(settings, "--tenant", tenant, "--compare")).stdout

    assert [] == [part for part in ("words/new", "words/old", "answered", "Question 0?", "┌───") if part not in shown]
    assert [] == [part for part in ("words/old", "-0.500", "interval") if part not in compared]
    assert "No answers since then." in (await command(settings, "--tenant", "nobody-here", "--by", "document")).stdout


async def test_what_cannot_be_asked_is_refused_with_what_can(settings: Settings) -> None:
    """No traceback."""
    ran = await asyncio.to_thread(roxy, settings, "insights", "--since", "soon")

    assert (1, "") == (ran.exit_code, ran.stdout)
    assert "soon is no time to begin at. Use 30min, 24h, 7d" in ran.stderr
