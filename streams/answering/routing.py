"""Routing: which tier of models answers a question. Pure."""

from __future__ import annotations

from connectors.language_model.evidence import confidence
from schemas.events import ChunksRetrieved, Route
from schemas.settings import Settings


def routed(found: ChunksRetrieved, settings: Settings) -> Route:
    """The first rule that fits decides."""
    return Route(confidence=confidence(found.understanding.text, found.chunks))
