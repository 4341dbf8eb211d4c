"""Port: session log. Backends: kafka (both placements), memory."""

from __future__ import annotations

from connectors.session_log.base import Gap, SessionLog, SessionRecord, Tail
from schemas.settings import Settings

__all__ = ["Gap", "SessionLog", "SessionRecord", "Tail", "open_session_log"]


def open_session_log(settings: Settings) -> SessionLog:
    """The session log of the settings' cluster; enter it with `async with`."""
    from connectors.session_log.kafka import KafkaSessionLog

    return KafkaSessionLog(settings)
