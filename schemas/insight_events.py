"""Events of insights: figures over the answers of a window of time, and the windows that there are."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.event import Event, Id, Value

By = Literal["model", "prompt", "arm", "document"]
Window = Literal["5min", "1h", "1d"]

SECONDS: dict[Window, int] = {"5min": 300, "1h": 3600, "1d": 86_400}  #: each is so many of the one before
MOST_NAMES = 50  #: of tags, errors and so on: they are people's words, and a record has an end


def kept_since(now: float, days: int) -> int:
    """From when on insights are kept up: today and so many days before it, in UTC. Both in seconds since 1970."""
    return int(now // SECONDS["1d"] - days) * SECONDS["1d"]


class Figures(Value):
    """What some answers come to. Means and quantiles are null where there is nothing to take them of."""

    answers: int = 0  #: that became whole
    sessions: int = 0
    answered: int = 0
    unanswered: int = 0  #: the documents do not hold it
    refused: int = 0  #: no model was asked
    cached: int = 0  #: given again
    flagged: int = 0  #: the moderator found something in it
    failed: int = 0  #: there is no answer: it could not be made
    cancelled: int = 0  #: there is no whole answer: it was stopped
    errors: dict[str, int] = Field(default_factory=dict)  #: of those that failed, by slug of the error class, the most frequent first
    marks: int = 0
    mark: float | None = None  #: mean, 0..1
    thumbs_up: int = 0
    thumbs_down: int = 0
    corrections: int = 0
    won: int = 0  #: comparisons
    lost: int = 0
    chunk_marks: int = 0  #: for chunks that were cited
    chunk_mark: float | None = None
    tags: dict[str, int] = Field(default_factory=dict)  #: reasons, the most frequent first
    signals: dict[str, int] = Field(default_factory=dict)  #: what people did: copied, source-opened, regenerated, asked-again, cut-off
    took_ms_mean: float | None = None  #: of answers that a model was at work for
    took_ms_p50: float | None = None
    took_ms_p95: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: dict[str, float] = Field(default_factory=dict)  #: by currency
    cost_in_vain: dict[str, float] = Field(default_factory=dict)  #: of text that is in no answer: a model failed, or was stopped
    grounding: float | None = None  #: mean


class InsightsCounted(Event):
    """What the answers of one window of time come to, by now. Topic `insights`: the last one of a row holds; a null record takes a row back."""

    SUBJECT = "row_id"

    type: Literal["InsightsCounted"] = "InsightsCounted"
    version: Literal[1] = 1
    row_id: Id  #: tenant/window/start/by/hash of the value
    window: Window
    start: str  #: of the window: RFC 3339, UTC
    by: By | None = None  #: null: all answers of the tenant
    value: str | None = Field(None, max_length=200)  #: the model, prompt, experiment/arm or document
    figures: Figures
