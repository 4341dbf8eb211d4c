"""A document as it arrived over HTTP: read from either form of body, checked, and made into what its record holds. Used by api/documents.py."""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from typing import Literal, NamedTuple

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from schemas.document_content import as_content, is_utf8
from schemas.errors import InvalidDocument
from schemas.http_bodies import DocumentWanted
from schemas.session_id import new_ulid

JSON = "application/json"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TEXT = frozenset({"text/markdown", "text/x-markdown", "text/plain", "text/x-log", "text/html", "application/xhtml+xml"})
RAW = TEXT | {"application/pdf", DOCX}  #: types of a body that is the document itself


class Named(NamedTuple):
    """What a raw body cannot say of itself: it stands in the query string."""

    document_id: str | None
    title: str | None
    source: str | None


class Arrived(NamedTuple):
    """A document as it arrived."""

    document_id: str
    title: str | None
    source: str
    content_type: str
    content: bytes
    tags: tuple[str, ...] = ()

    def require_readable(self, most_bytes: int) -> None:
        """Raises InvalidDocument, and 413 if it is too large."""
        if len(self.content) > most_bytes:
            raise HTTPException(413, f"The document has {len(self.content)} bytes; {most_bytes} are allowed.")
        if not self.content.strip():
            raise InvalidDocument("The document is empty.", remedy="Check that the file was written completely, or leave it out.")
        if self.content_type in TEXT | {JSON} and not is_utf8(self.content):
            raise InvalidDocument(f"The document claims to be {self.content_type}, but is not UTF-8.", remedy="Convert it to UTF-8.")

    def as_text(self) -> tuple[Literal["utf-8", "base64"], str]:
        """The content as a record holds it."""
        return as_content(self.content)


def from_json(body: bytes) -> Arrived:
    """The JSON form. Raises RequestValidationError, InvalidDocument, and 415 for a type that no parser reads."""
    try:
        wanted = DocumentWanted.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_input=False, include_url=False)]
        ) from error
    content_type = require_type(wanted.content_type, RAW | {JSON})
    content = _base64(wanted.content_base64) if wanted.text is None else wanted.text.encode()
    source = wanted.source or ""
    return Arrived(wanted.document_id or _id_for(source), wanted.title, source, content_type, content, wanted.tags)


def from_raw(body: bytes, content_type: str, named: Named) -> Arrived:
    """The document itself."""
    source = named.source or ""
    return Arrived(named.document_id or _id_for(source), named.title, source, content_type, body)


def require_type(content_type: str, allowed: frozenset[str]) -> str:
    """The type without its parameters. Raises 415."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in allowed:
        raise HTTPException(415, f"Documents of type {kind or 'unknown'} cannot be read.")
    return kind


def _id_for(source: str) -> str:
    """The same source is the same document, sent again; without one it is a new document."""
    return f"d{blake2b(source.encode(), digest_size=16).hexdigest()}" if source else f"d{new_ulid()}"


def _base64(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidDocument("content_base64 is no base64.", remedy="Encode the document's bytes as base64 (RFC 4648, section 4).") from error
