"""JSON: an object with `text` and, if it has one, `title`; other fields are let pass (BEIR's `_id`, `metadata`).

A JSON Lines file holds many documents: the command line reads each with `read_line` and sends it on its own.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from connectors.parser.base import ParsedDocument
from connectors.parser.text import as_title, decode, first_heading
from schemas.errors import UnreadableDocument

_SHAPE = 'Send an object such as {"title": "…", "text": "…"}.'


class JsonLine(NamedTuple):
    """One document of a JSON Lines file."""

    number: int  #: line, from 1
    fields: dict[str, object]
    content: bytes  #: the line as it came, for `parse` as application/json


def read(content: bytes, source: str) -> ParsedDocument:
    """The object's text and title. Raises UnreadableDocument."""
    fields = _json_object(content, source)
    title, text = fields.get("title"), fields.get("text")
    if not isinstance(text, str) or not isinstance(title, str | None):
        raise UnreadableDocument(f"{source} has no `text` that is a string, or a `title` that is none.", remedy=_SHAPE)
    text = decode(text.encode(), f"`text` of {source}")
    return ParsedDocument((as_title(title) if title else None) or first_heading(text), text)


def read_line(line: bytes, number: int, source: str) -> JsonLine | None:
    """The document on a line of a JSON Lines file; None if it is blank. Raises UnreadableDocument with the line's number."""
    content = line.removeprefix(b"\xef\xbb\xbf").strip()
    return JsonLine(number, _json_object(content, f"Line {number} of {source}"), content) if content else None


def _json_object(content: bytes, source: str) -> dict[str, object]:
    try:
        fields = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise UnreadableDocument(f"{source} is no JSON: {error}.", remedy=_SHAPE) from error
    if not isinstance(fields, dict):
        raise UnreadableDocument(f"{source} is JSON, but no object.", remedy=_SHAPE)
    return fields
