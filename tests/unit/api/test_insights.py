"""GET /v1/insights: the rows that a worker has written, to whoever may see them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import SecretStr

from api.insight_rows import InsightRows
from connectors.journal.memory import MemoryJournal
from schemas.errors import Unavailable
from schemas.events import Figures, InsightsCounted
from schemas.insight_events import SECONDS, Window
from schemas.moments import seconds_of
from schemas.record import Record
from schemas.settings import ApiKey
from schemas.topics import INSIGHTS
from streams.insights.grouping import time_of
from tests.builders import CONTEXT, a_record
from tests.unit.api.conftest import until

URL = "/v1/insights"
DAY = SECONDS["1d"]
KEYS = tuple(
    ApiKey(key=SecretStr(key), tenant=tenant, subject=key, roles=roles)
    for key, tenant, roles in (("ann", "acme", ("operate",)), ("eve", "acme", ("ask", "ingest")))
)


def a_row(start: float, window: Window = "1h", by: Any = None, value: str | None = None, tenant: str = "default", **figures: Any) -> InsightsCounted:
    begun = time_of(start // SECONDS[window] * SECONDS[window])
    row_id = f"{tenant}/{window}/{begun}/{by or 'all'}/{value or ''}".rstrip("/")
    counted = Figures(**{"answers": 1, **figures})
    return InsightsCounted(id=f"{row_id}:1", tenant=tenant, row_id=row_id, window=window, start=begun, by=by, value=value, figures=counted)


async def written(api: Any, *rows: InsightsCounted) -> None:
    """And heard of."""
    await api.journal.append_all([*rows, a_row(time.time(), "5min", tenant="last")], CONTEXT)
    await until(lambda: ("last", "5min", None) in api.wiring.insights._rows)


async def test_rows_of_the_tenant_are_listed_the_newest_and_most_corrected_first(api: Any) -> None:
    """By what is asked for, and as they were written last."""
    now = time.time()
    models = [a_row(now, by="model", value=name, corrections=count, answers=9) for name, count in (("small", 0), ("large", 2), ("other", 1))]
    await written(api, a_row(now), a_row(now - 7200), a_row(now, "1d"), a_row(now, tenant="acme"), *models, a_row(now, answers=3))
    hours, by_model = (await api.client.get(URL)).json(), (await api.client.get(URL, params={"by": "model"})).json()

    assert ("default", "1h", None, False) == (hours["tenant"], hours["window"], hours["by"], hours["more"])
    assert [3, 1] == [row["figures"]["answers"] for row in hours["rows"]]
    assert [time_of(now // 3600 * 3600), time_of((now - 7200) // 3600 * 3600)] == [row["start"] for row in hours["rows"]]
    assert ["large", "other", "small"] == [row["value"] for row in by_model["rows"]]


async def test_what_was_taken_back_is_gone(api: Any) -> None:
    """By a null record."""
    row = a_row(time.time())
    await api.journal.append(row, CONTEXT)
    await api.journal.retract(INSIGHTS, [row.row_id, "default/1h/none/all"], CONTEXT)
    await written(api)

    assert [] == (await api.client.get(URL)).json()["rows"]


async def test_windows_that_end_after_a_moment_are_listed_as_many_as_wanted(api: Any) -> None:
    """`more` says that there are others; the server keeps no more than it says."""
    now = time.time()
    await written(api, *(a_row(now - 3600 * hours) for hours in range(5)), a_row(now - 4 * DAY))

    async def listed(**params: Any) -> tuple[int, bool]:
        page = (await api.client.get(URL, params=params)).json()
        return len(page["rows"]), page["more"]

    assert [(2, False), (3, False), (5, False), (2, True)] == [
        await listed(since="1h"),
        await listed(since=rfc_hours_ago(now, 2)),
        await listed(since="all"),
        await listed(limit=2),
    ]
    assert api.wiring.insights.since == seconds_of((await api.client.get(URL, params={"since": "all"})).json()["since"])


def rfc_hours_ago(now: float, hours: int) -> str:
    return time_of(now // 3600 * 3600 - (hours - 1) * 3600 - 1)


async def test_what_cannot_be_asked_is_refused_with_what_can(api: Any) -> None:
    """No other grouping, window, time or number."""
    wanted = ({"by": "rater"}, {"window": "2h"}, {"since": "soon"}, {"limit": 0})
    replies = [await api.client.get(URL, params=params) for params in wanted]

    assert [422] * 4 == [reply.status_code for reply in replies]
    assert "30min, 24h, 7d" in replies[2].json()["remedy"]


async def test_only_an_operator_sees_them_and_of_its_tenant_only(run: Any) -> None:
    """Who may ask may not."""
    async with run(api_keys=KEYS) as api:
        await written(api, a_row(time.time(), tenant="acme"), a_row(time.time()))
        ann, eve = [await api.client.get(URL, headers={"X-API-Key": key}) for key in ("ann", "eve")]

    assert (200, "acme", 1) == (ann.status_code, ann.json()["tenant"], len(ann.json()["rows"]))
    assert 403 == eve.status_code


async def test_a_record_that_is_no_row_stops_nothing(api: Any) -> None:
    """It is passed over."""
    records = api.journal.records(INSIGHTS)
    records.append(Record(INSIGHTS.name, 0, 0, b"default/1h", b"{", ()))
    records.append(a_record(a_row(time.time()).model_copy(update={"start": "soon"}), INSIGHTS.name, offset=1))
    await written(api, a_row(time.time()))

    assert 1 == len((await api.client.get(URL)).json()["rows"])


def test_a_new_day_lets_go_of_the_oldest() -> None:
    """So memory has an end, and rows of before are not kept from the beginning."""
    now = [10.0 * DAY]
    rows = InsightRows(MemoryJournal(), 1, now=lambda: now[0])
    rows.caught_up = True
    for place, day in enumerate((8.5, 9.5, 10.5)):
        rows.apply(a_record(a_row(day * DAY), INSIGHTS.name, offset=place))
    kept = len(rows.rows("default", "1h", None, 0.0, 10))
    now[0] = 11.0 * DAY

    assert (2, 1) == (kept, len(rows.rows("default", "1h", None, 0.0, 10)))


def test_nothing_is_said_before_all_is_read() -> None:
    """Half of the rows would be taken for all of them."""
    with pytest.raises(Unavailable, match="still being read"):
        InsightRows(MemoryJournal(), 2).rows("default", "1h", None, 0.0, 10)
