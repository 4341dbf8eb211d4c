"""Insights as records, from outside: a worker keeps them up, another goes on when it is killed, and the API hands them out."""

from __future__ import annotations

import asyncio
import random
import signal
import time
import uuid
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from connectors.journal import Journal, open_journal
from infra.processes import Child
from schemas.codec import decoded
from schemas.events import Event, Figures, InsightsCounted
from schemas.insight_events import SECONDS, By, Window, kept_since
from schemas.topics import INSIGHTS
from streams.insights.grouping import rows_of, time_of
from streams.insights.insights import Scope, gather
from streams.replay import history
from tests.acceptance.fleet import Api, Fleet
from tests.builders import CONTEXT
from tests.unit.streams.insights.judged_sessions import PAID, A, B, a_failure, a_stop, asked_for_another
from tests.unit.streams.preferences.judged import an_answer, given

_Row = tuple[Window, str, By | None, str | None]
_SEED = 6
_SESSIONS = 120
_DAYS = 1
_SOON_S = 60.0  # a worker that was killed is replaced after six, and has to read two days again
LOOKS: tuple[By | None, ...] = (None, *get_args(By))


@pytest.mark.timeout(300)  # a minute on two busy cores: two workers and an API are started
async def test_live_rows_are_those_that_are_folded_while_workers_are_killed(fleet: Fleet) -> None:
    """In any order, some records twice; whoever keeps them up is killed in the middle, and the other one goes on. The API says the same."""
    tenant, chance = f"t{uuid.uuid4().hex[:8]}", random.Random(_SEED)
    events = list(happened(tenant, chance))
    events += chance.sample(events, len(events) // 4)
    chance.shuffle(events)
    half = len(events) // 2
    async with open_journal(fleet.settings) as journal:
        one, two = await worker(fleet), await worker(fleet)
        await write(journal, events[:half])
        await until_agreed(journal, tenant)
        keeper = one if keeps(one) else two
        await asyncio.gather(write(journal, events[half:]), fleet.signal(keeper, signal.SIGKILL))
        await until_agreed(journal, tenant)

        assert (True, True) == (keeps(one), keeps(two))

        api = await fleet.api(insights_days=_DAYS, api_keys=f'[{{"key": "k", "tenant": "{tenant}", "roles": ["operate"]}}]')
        by_model = {row: figures for row, figures in (await folded(journal, tenant)).items() if row[0] == "1d" and row[2] == "model"}

        assert by_model == await listed(api)


def happened(tenant: str, chance: random.Random) -> Iterator[Event]:
    """Of yesterday and today: answers of two models, judged by some, failures, and answers that were stopped."""
    begin = kept_since(time.time(), _DAYS)
    for number in range(_SESSIONS):
        at = begin + chance.random() * (time.time() - begin - 10)
        where = {"tenant": tenant, "session_id": f"s{number}"}
        now, later = {**where, "time": time_of(at)}, {**where, "time": time_of(at + 5)}
        model, cited = chance.choice(["small", "large"]), chance.choice([(), (A,), (A, B)])
        made = {"model": model, "citations": cited, "took_ms": chance.random() * 1e4, "arms": {"words": chance.choice(["old", "new"])}}
        yield an_answer("a-q1", attempt=1, answered=chance.random() < 0.8, **made, **now)
        yield an_answer("a-q1", attempt=2, answered=chance.random() < 0.8, **made, **later)
        yield chance.choice([a_failure("a-q2", in_vain=(PAID,), **now), a_stop("a-q2", **now), an_answer("a-q2", **made, **now)])
        yield given("f1", "a-q1", thumb=chance.choice(["up", "down"]), tags=("long",)).model_copy(update=later)
        said: list[dict[str, Any]] = [{"correction": "Better."}, {"stars": 4}, {"signal": "copied"}]
        yield given("f2", "a-q1", **chance.choice(said)).model_copy(update=later)
        if chance.random() < 0.2:
            yield asked_for_another("a-q1.1", **{**where, "time": time_of(at + 8)})


async def listed(api: Api) -> dict[_Row, Figures]:
    """Days by model, as soon as the API has read them."""
    wanted = {"by": "model", "window": "1d", "since": "all"}
    while (reply := await api.http.get("/v1/insights", params=wanted, headers={"X-API-Key": "k"})).status_code == 503:
        await asyncio.sleep(0.2)
    return {("1d", row["start"], "model", row["value"]): Figures.model_validate(row["figures"]) for row in reply.json()["rows"]}


async def worker(fleet: Fleet) -> Child:
    return await fleet.worker(insights_every_s=0.5, insights_days=_DAYS, session_timeout_s=6)


def keeps(child: Child) -> bool:
    """Whether it has ever had its turn."""
    return "insights are kept up" in child.log.read_text()


async def write(journal: Journal, events: list[Event]) -> None:
    """A little at a time, so that rows are written in between."""
    for begin in range(0, len(events), 100):
        await journal.append_all(events[begin : begin + 100], CONTEXT)
        await asyncio.sleep(0.2)


async def until_agreed(journal: Journal, tenant: str) -> None:
    """The topic says what a fold says."""
    async with asyncio.timeout(_SOON_S):
        while await held(journal, tenant) != await folded(journal, tenant):
            await asyncio.sleep(0.5)


async def held(journal: Journal, tenant: str) -> dict[_Row, Figures]:
    """What compaction would leave of the tenant's rows."""
    last: dict[bytes | None, InsightsCounted] = {}
    async for records in history(journal, INSIGHTS, await journal.ends(INSIGHTS)):
        for record in records:
            last.pop(record.key, None)
            event = decoded(record)
            if isinstance(event, InsightsCounted) and event.tenant == tenant:
                last[record.key] = event
    return {(row.window, row.start, row.by, row.value): row.figures for row in last.values()}


async def folded(journal: Journal, tenant: str) -> dict[_Row, Figures]:
    """What `roxy insights` says of the same days."""
    judged = (await gather(journal, Scope(kept_since(time.time(), _DAYS) * 1000, tenant))).answers
    looks = [(by, window) for by in LOOKS for window in SECONDS]
    return {(window, row.window or "", by, row.value): row.figures for by, window in looks for row in rows_of(judged, by, window)}
