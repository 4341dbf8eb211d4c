"""Conversation: what of its session a model is told beside the question, read from the log."""

from __future__ import annotations

from typing import NamedTuple

from connectors.language_model.base import Turn
from connectors.session_log.base import SessionLog
from schemas.events import ChunksRetrieved, Conversation
from schemas.settings import Settings


class Told(NamedTuple):
    """What a model is told."""

    turns: tuple[Turn, ...]  #: oldest first
    summary: str
    conversation: Conversation


class Conversations:
    """Sessions' turns."""

    def __init__(self, session_log: SessionLog) -> None:
        self._session_log = session_log

    async def before(self, found: ChunksRetrieved, settings: Settings) -> Told:
        """What was said in the session before this question."""
        return Told((), "", Conversation())
