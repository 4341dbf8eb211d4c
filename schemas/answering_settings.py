"""The settings of ROXY_ENDPOINTS, ROXY_ROUTES, ROXY_EXPERIMENTS and ROXY_PRICES: where and how a question is answered, and at what price."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from schemas.events import Intent, Tier

#: How an answer that lost its worker goes on at an endpoint. auto: behind what is out for Ollama, anew for others.
EndpointResumes = Literal["auto", "prefix", "restart"]
#: The name by which an OpenAI-compatible endpoint knows an answer's longest length. auto: by its address.
Length = Literal["auto", "max_tokens", "max_completion_tokens"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(_Row):
    """A server of models."""

    url: str
    key: SecretStr | None = None
    resumes: EndpointResumes = "auto"
    length: Length = "auto"


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
