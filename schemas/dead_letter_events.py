"""The event of a record that no step could finish."""

from __future__ import annotations

from typing import Literal

from schemas.event import Event


class RecordDeadLettered(Event):
    """A record that no step could finish: as it came, the error, and where it stood. Topic `dead-letters`."""

    SUBJECT = "original_key"

    type: Literal["RecordDeadLettered"] = "RecordDeadLettered"
    version: Literal[1] = 1
    topic: str
    partition: int
    offset: int
    original_key: str
    original_value: str | None  #: base64
    original_headers: tuple[tuple[str, str], ...] = ()  #: name, base64
    step: str
    error: str
    detail: str
    remedy: str
    tries: int
