"""Parser: a document's bytes to Markdown text. `parse` picks the format's file by content type.

The ingestion step calls it in a thread; the command line asks `content_type_of` which files of a folder can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from connectors.parser.base import ParsedDocument
from schemas.errors import UnreadableDocument

JSONL = "application/x-ndjson"  #: many documents in a file: read each with `connectors.parser.json.read_line`, and send it on its own

_SUFFIXES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/x-log",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".json": "application/json",
    ".jsonl": JSONL,
    ".ndjson": JSONL,
}

_FORMATS = {
    "text/markdown": "text",
    "text/x-markdown": "text",
    "text/plain": "text",
    "text/x-log": "log",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    _SUFFIXES[".docx"]: "docx",
    "application/json": "json",
}

Reader = Callable[[bytes, str], ParsedDocument]


def content_type_of(path: Path) -> str | None:
    """The content type by a file's suffix; None for a file that cannot be read."""
    return _SUFFIXES.get(path.suffix.lower())


def parse(content: bytes, content_type: str, *, source: str) -> ParsedDocument:
    """The document's title and text. `source` names it in errors. Raises UnreadableDocument."""
    kind = content_type.partition(";")[0].strip().lower()
    name = source or "The document"
    if kind not in _FORMATS:
        raise UnreadableDocument(f"{name} is of type {kind!r}, which cannot be read.", remedy=f"Send one of: {', '.join(sorted(_FORMATS))}.")
    if not content.strip():
        raise UnreadableDocument(f"{name} is empty.", remedy="Check that the file was written completely, or leave it out.")
    parsed = _reader(_FORMATS[kind])(content, name)
    if not any(character.isalnum() for character in parsed.text):
        raise UnreadableDocument(f"{name} holds no readable text.", remedy="Check that it holds text, and not only pictures or signs.")
    return parsed


def _reader(file: str) -> Reader:
    """The format's `read`, imported when it is first needed: a worker that reads only Markdown loads no PDF library."""
    reader: Reader = import_module(f"connectors.parser.{file}").read
    return reader
