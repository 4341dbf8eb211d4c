"""Insights: GET /v1/insights, how good the answers of the last days were, how fast and at what cost, by windows of time.

A worker counts (topic `insights`); this process hands out what it has read of it. What is older than ROXY_INSIGHTS_DAYS, `roxy insights` counts.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Response

from api.principal import Principal, require
from api.problems import refusals
from api.wiring import Wired
from schemas.event import rfc3339
from schemas.insight_bodies import InsightsListed
from schemas.insight_events import By, Window
from schemas.moments import since_ms

router = APIRouter(prefix="/v1/insights", tags=["insights"])
Operator = Annotated[Principal, Depends(require("operate"))]
Look = Annotated[By | None, Query(description="A row for each of these in a window; without it, one for all answers.")]
Length = Annotated[Window, Query(description="A row for each window of this length.")]
Since = Annotated[str, Query(max_length=50, description="30min, 24h, 2d, a time such as 2026-11-21T02:00:00Z, or all that is kept.")]
Most = Annotated[int, Query(ge=1, le=10_000, description="So many of the newest rows.")]


@router.get("", response_model=InsightsListed, responses=refusals())
async def insights(wired: Wired, principal: Operator, by: Look = None, window: Length = "1h", since: Since = "24h", limit: Most = 1_000) -> Response:
    """Figures of the tenant's answers. An answer lies in the window of its own time, and so does what is said of it later."""
    known = wired.insights
    begin = max(since_ms(since, time.time()) / 1000, known.since)
    rows = known.rows(principal.tenant, window, by, begin, limit + 1)
    listed = {
        "tenant": principal.tenant,
        "window": window,
        "by": by,
        "since": rfc3339(datetime.fromtimestamp(begin, UTC)),
        "rows": [orjson.Fragment(row) for row in rows[:limit]],
        "more": len(rows) > limit,
    }
    return Response(orjson.dumps(listed), media_type="application/json")
