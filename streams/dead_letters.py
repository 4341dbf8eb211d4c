"""Dead letters: a record that no step could finish, as it came, with the error and where it stood. Pure."""

from __future__ import annotations

import base64

from schemas.errors import RoxyError
from schemas.events import TENANT, RecordDeadLettered
from schemas.record import Record


def dead_letter(record: Record, step: str, error: RoxyError, tries: int) -> RecordDeadLettered:
    """The event of a record's failure. Whatever the record holds, this can be written."""
    key = (record.key or b"").decode("utf-8", "replace")
    return RecordDeadLettered(
        id=f"dead:{record.topic}/{record.partition}/{record.offset}",
        tenant=_tenant_of(record),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        original_key=key,
        original_value=None if record.value is None else base64.b64encode(record.value).decode(),
        original_headers=tuple((name, base64.b64encode(value or b"").decode()) for name, value in record.headers),  # Kafka's may be null
        step=step,
        error=error.slug(),
        detail=error.detail,
        remedy=error.remedy,
        tries=tries,
    )


def _tenant_of(record: Record) -> str:
    """The record's tenant as far as it names a valid one: a dead letter has to be writable whatever came."""
    tenant = record.header("tenant") or ""
    return tenant if TENANT.fullmatch(tenant) else "default"
