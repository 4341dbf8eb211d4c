"""Bodies of insights over HTTP: GET /v1/insights."""

from __future__ import annotations

from pydantic import Field

from schemas.events import Figures
from schemas.http_bodies import Body
from schemas.insight_events import By, Window


class InsightRow(Body):
    """Figures of one window of time."""

    start: str = Field(description="Of the window: RFC 3339, UTC.")
    value: str | None = Field(description="The model, prompt, experiment/arm or document; null: all answers.")
    counted: str = Field(description="When the figures were last found to be others.")
    figures: Figures


class InsightsListed(Body):
    """The newest windows first; within one the most corrected, then those with the most answers."""

    tenant: str
    window: Window
    by: By | None
    since: str = Field(description="Where the windows begin that are kept up, if that is later than what was asked for.")
    rows: tuple[InsightRow, ...]
    more: bool = Field(description="There are older rows than `limit` lets through.")
