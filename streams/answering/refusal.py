"""Refusal: why a question is not given to a model at all."""

from __future__ import annotations

from schemas.events import ChunksRetrieved, Refused, Route
from schemas.settings import Settings

DECLINED = "This question cannot be answered here."


async def refusal_of(found: ChunksRetrieved, route: Route, settings: Settings) -> Refused | None:
    """The reason; None: ask."""
    return None
