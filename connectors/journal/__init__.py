"""Port: journal. Backends: kafka, memory."""

from __future__ import annotations

from connectors.journal.base import Follower, Journal, Share
from schemas.settings import Settings

__all__ = ["Follower", "Journal", "Share", "open_journal"]


def open_journal(settings: Settings) -> Journal:
    """The journal of the settings' cluster; enter it with `async with`."""
    from connectors.journal.kafka import KafkaJournal

    return KafkaJournal(settings)
