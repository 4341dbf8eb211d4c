"""Plan: what is exported, and what is left out. It stands in the manifest, so that the same rows can be made again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.event import Value
from streams.preferences.pairs import Signal

Kind = Literal["preferences", "reward", "kto", "sft", "prompts"]
FormatName = Literal["trl", "openai", "parquet", "argilla"]
KINDS: tuple[Kind, ...] = ("preferences", "kto", "sft", "reward", "prompts")
PAIRED: frozenset[Kind] = frozenset({"preferences", "reward"})  #: whose rows hold two answers
SIGNALS: tuple[Signal, ...] = ("correction", "comparison", "ratings", "implicit")


class Plan(Value):
    """All that decides which rows there are, and how they read, beside the log itself."""

    kind: Kind
    format: FormatName = "trl"
    since: str | None = None  #: judged then or later: RFC 3339, UTC, with milliseconds
    until: str | None = None  #: and before then
    tenant: str | None = None  #: None: all
    models: tuple[str, ...] = ()  #: every answer of a row is by one of them; empty: any
    signals: tuple[Signal, ...] = SIGNALS
    min_rating: float | None = Field(None, ge=0, le=1)  #: mark from which on an answer is good; None: what the kind takes for good
    min_agreement: float = Field(0.0, ge=0, le=1)  #: share of the raters that the majority has to be
    same_context: bool = True  #: no pairs of answers that were made from different chunks
    min_chars: int = Field(1, ge=0)  #: of each answer
    max_tokens: int | None = Field(None, ge=1)  #: of the prompt and its longest answer
    test_share: float = Field(0.1, ge=0, lt=1)
    balance: bool = False  #: of KTO: as many undesirable rows as desirable ones, to 3 : 4
    deduplicate: bool = True
    pii: Literal["keep", "scrub"] = "keep"
    implicit_weight: float = Field(0.0, ge=0, le=1)  #: ROXY_IMPLICIT_WEIGHT when it was exported
    without: tuple[str, ...] = ()  #: pseudonyms of people and sessions that have asked to be left out
