"""The settings of ROXY_ROUTES, ROXY_EXPERIMENTS and ROXY_PRICES: tables that say how a question is answered, and at what price."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.events import Intent, Tier


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RouteRule(_Row):
    """A row of the routing table: the first one of which every given part holds decides."""

    name: str
    tier: Tier
    intents: tuple[Intent, ...] = ()  #: one of them; none given: any
    most_words: int | None = Field(None, ge=1)  #: of the question
    least_words: int | None = Field(None, ge=1)
    confident: float | None = Field(None, ge=0, le=1)  #: the chunks hold the answer at least so surely
    unsure: float | None = Field(None, ge=0, le=1)  #: at most so surely
    pattern: str | None = None  #: found in the question, in lower case: a regular expression of re2's syntax


class Arm(_Row):
    """One arm of an experiment: settings that hold for its sessions."""

    name: str
    weight: float = Field(1.0, gt=0)
    settings: dict[str, Any] = Field(default_factory=dict)  #: by the settings' names in lower case, without ROXY_


class Experiment(_Row):
    """Sessions of these tenants are shared out among the arms by a stable hash."""

    name: str
    tenants: tuple[str, ...] = ("*",)
    arms: tuple[Arm, ...] = Field(min_length=2)


class Price(_Row):
    """Of a model's tokens, for a million."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
