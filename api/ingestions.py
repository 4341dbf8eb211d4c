"""What became of each document: a projection of the topic `ingestions`, kept in memory. Read by api/documents.py and api/health.py.

It follows the topic from its beginning (it is compacted: the last word on each document) for as long as the process runs, and starts
again after an outage. A version that this process submitted is `pending` until the topic holds a record that derives from it: of a large one
how far it is, and in the end what became of it.
"""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import structlog

from api.topic_reading import followed_for_ever
from connectors.background import running
from connectors.journal.base import Journal, reached
from schemas.codec import decode
from schemas.errors import UnknownDocument, UnreadableRecord
from schemas.events import DocumentEvent, DocumentFailed, DocumentIndexed, DocumentRemoved, Event, IngestionProgressed
from schemas.http_bodies import DocumentStatus
from schemas.record import Position, Record
from schemas.topics import INGESTIONS

_READ_S = 1.0
_CAUSATION = re.compile(r"(?P<topic>.+)\[(?P<partition>\d+)\]@(?P<offset>\d+)")


class _Known(NamedTuple):
    status: DocumentStatus
    cause: Position | None  #: the record of `documents` that it is about


class Ingestions:
    """Knows the last word on each document. `caught_up` once it has read what the topic held when it began."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[tuple[str, str], _Known] = {}
        self._submitted: dict[tuple[str, str], Position] = {}
        self._log = structlog.get_logger(__name__)
        self.caught_up = False

    def followed(self) -> AbstractAsyncContextManager[None]:
        """Follow the topic in the background."""
        return running(followed_for_ever(INGESTIONS, self._follow))

    def submitted(self, tenant: str, document_id: str, position: Position) -> None:
        """This process has just written a version of the document, or its deletion."""
        self._submitted[tenant, document_id] = position
        self._settle((tenant, document_id))

    def status(self, tenant: str, document_id: str) -> DocumentStatus:
        """Raises UnknownDocument."""
        key = (tenant, document_id)
        if key in self._submitted:
            return DocumentStatus(document_id=document_id, status="pending")
        if key not in self._known:
            raise UnknownDocument(f"No document {document_id}.")
        return self._known[key].status

    async def _follow(self) -> None:
        ends = await self._journal.ends(INGESTIONS)
        async with self._journal.follow(INGESTIONS) as follower:
            while True:
                self.caught_up = self.caught_up or reached(follower.positions, ends)
                for record in await follower.read(_READ_S):
                    self._apply(record)

    def _apply(self, record: Record) -> None:
        if record.value is None:
            return
        try:
            event = decode(record)
            status = _status(event)
        except (UnreadableRecord, ValueError) as error:  # ValueError: pydantic's, of a status that cannot be shown
            self._log.warning("ingestion_unreadable", position=str(record.position), error=str(error))
            return
        if status is not None:
            key = (event.tenant, status.document_id)
            self._known[key] = _Known(status, _cause(record))
            self._settle(key)

    def _settle(self, key: tuple[str, str]) -> None:
        """What was submitted is pending no more once the last word is about it or about a later version."""
        submitted, known = self._submitted.get(key), self._known.get(key)
        if submitted is not None and known is not None and _at_or_after(known.cause, submitted):
            del self._submitted[key]


def _status(event: Event) -> DocumentStatus | None:
    match event:
        case IngestionProgressed():
            return _as("indexing", event, "stage", "chunks", "done")
        case DocumentIndexed():
            return _as("indexed", event, "title", "chunks", "kept", "reused", "embedded", "removed")
        case DocumentRemoved():
            return _as("removed", event, "removed")
        case DocumentFailed():
            return _as("failed", event, "error", "detail", "remedy")
        case _:
            return None


def _as(status: str, event: DocumentEvent, *fields: str) -> DocumentStatus:
    """A status with these fields of the event."""
    told = event.model_dump(include={"document_id", "time", *fields})
    return DocumentStatus.model_validate({"status": status, **told})


def _cause(record: Record) -> Position | None:
    found = _CAUSATION.fullmatch(record.header("causation") or "")
    return Position(found["topic"], int(found["partition"]), int(found["offset"])) if found else None


def _at_or_after(cause: Position | None, submitted: Position) -> bool:
    # Without a cause (a foreign producer's record) it is taken to be about the latest version.
    return cause is None or (cause.partition == submitted.partition and cause.offset >= submitted.offset)
