"""JSON: an object with `text` and, if it has one, `title`; other fields are let pass (BEIR's `_id`, `metadata`).

A JSON Lines file holds many documents: the command line cuts it with `split_jsonl` and sends each on its own.
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


def split_jsonl(content: bytes, source: str) -> list[JsonLine]:
    """The documents of a JSON Lines file; blank lines are passed over. Raises UnreadableDocument with the line's number."""
    lines = enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
    documents = [JsonLine(number, _json_object(line, f"Line {number} of {source}"), line.strip()) for number, line in lines if line.strip()]
    if not documents:
        raise UnreadableDocument(f"{source} is empty.", remedy=f"{_SHAPE} One on each line.")
    return documents


def _json_object(content: bytes, source: str) -> dict[str, object]:
    try:
        fields = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise UnreadableDocument(f"{source} is no JSON: {error}.", remedy=_SHAPE) from error
    if not isinstance(fields, dict):
        raise UnreadableDocument(f"{source} is JSON, but no object.", remedy=_SHAPE)
    return fields
