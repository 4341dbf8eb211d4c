"""Documents: POST /v1/documents writes DocumentSubmitted to `documents`, as JSON or as the document's own bytes; GET says what became of it.

Text is checked to be UTF-8 here; whether a PDF or DOCX file can be read, the ingestion agent finds out, and the status says.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from structlog.contextvars import bind_contextvars

from api.arrived import JSON, RAW, Arrived, Named, from_json, from_raw, require_type
from api.principal import Principal, require
from api.problems import refusals
from api.wiring import Wired, Wiring, context
from schemas.events import DocumentDeleted, DocumentEvent, DocumentSubmitted
from schemas.http_bodies import ID_LENGTH, ID_PATTERN, DocumentAccepted, DocumentStatus, ExternalId, Plain
from schemas.session_id import new_ulid

router = APIRouter(prefix="/v1/documents", tags=["documents"])
Ingester = Annotated[Principal, Depends(require("ingest"))]
DocumentId = Annotated[str, Path(min_length=1, max_length=ID_LENGTH, pattern=ID_PATTERN)]
_RAW_BODY: dict[str, Any] = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/DocumentWanted"}}, **dict.fromkeys(sorted(RAW), _RAW_BODY)},
    }
}


def _named(
    document_id: Annotated[ExternalId | None, Query(description="Of a raw body; made from `source` if left out, else by chance.")] = None,
    title: Annotated[Plain | None, Query(max_length=500, description="Of a raw body.")] = None,
    source: Annotated[Plain | None, Query(max_length=2_000, description="Of a raw body: path or URL that it came from.")] = None,
) -> Named:
    return Named(document_id, title, source)


@router.post("", status_code=202, responses=refusals(415), openapi_extra=_BODY)
async def submit(request: Request, wired: Wired, principal: Ingester, named: Annotated[Named, Depends(_named)]) -> DocumentAccepted:
    """Submit a version of a document: JSON, or the document itself with its own Content-Type and the rest in the query string."""
    content_type = require_type(request.headers.get("content-type", ""), RAW | {JSON})
    body = await request.body()
    arrived = from_json(body) if content_type == JSON else from_raw(body, content_type, named)
    arrived.require_readable(wired.settings.max_document_bytes)
    await _write(wired, _submitted(principal, arrived))
    wired.metrics.documents.labels(principal.tenant).inc()
    return _accepted(arrived.document_id)


@router.get("/{document_id:path}", response_model_exclude_none=True, responses=refusals(404))
async def status(document_id: DocumentId, wired: Wired, principal: Ingester) -> DocumentStatus:
    """What became of the document's last version: pending, indexing (and how far it is), indexed, failed (and why), or removed."""
    return wired.ingestions.status(principal.tenant, document_id)


@router.delete("/{document_id:path}", status_code=202, responses=refusals())
async def delete(document_id: DocumentId, wired: Wired, principal: Ingester) -> DocumentAccepted:
    """Take a document away. Its versions stay in the log; answers from now on no longer find it."""
    await _write(
        wired,
        DocumentDeleted(id=f"{document_id}@{new_ulid()}", tenant=principal.tenant, document_id=document_id, deleted_by=principal.subject),
    )
    return _accepted(document_id)


async def _write(wired: Wiring, event: DocumentEvent) -> None:
    bind_contextvars(correlation=event.document_id)
    position = await wired.journal.append(event, context())
    wired.ingestions.submitted(event.tenant, event.document_id, position)


def _submitted(principal: Principal, arrived: Arrived) -> DocumentSubmitted:
    encoding, content = arrived.as_text()
    return DocumentSubmitted(
        id=f"{arrived.document_id}@{new_ulid()}",
        tenant=principal.tenant,
        document_id=arrived.document_id,
        title=arrived.title,
        source=arrived.source,
        content_type=arrived.content_type,
        encoding=encoding,
        content=content,
        tags=arrived.tags,
        submitted_by=principal.subject,
    )


def _accepted(document_id: str) -> DocumentAccepted:
    return DocumentAccepted(document_id=document_id, links={"status": f"/v1/documents/{document_id}"})
