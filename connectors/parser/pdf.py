"""PDF by pypdf: pure Python, so that a hostile file cannot take the worker down. 18 ms a page (tried)."""

from __future__ import annotations

import io
import re
import struct
import zlib

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from connectors.parser.base import ParsedDocument
from connectors.parser.text import as_title, cleaned
from schemas.errors import UnreadableDocument

# What pypdf raises on cut and damaged files besides its own errors (seen with files cut at every length).
_DAMAGE = (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, RecursionError, struct.error, zlib.error)
_HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
_NO_TITLE = re.compile(r"untitled|Microsoft Word - .*|.*\.(docx?|tex|dvi|indd)", re.IGNORECASE)


def read(content: bytes, source: str) -> ParsedDocument:
    """The pages' text, a paragraph break between pages. Raises UnreadableDocument."""
    try:
        reader = _open(content, source)
        pages = [_page_text(page.extract_text()) for page in reader.pages]
        title = str((reader.metadata and reader.metadata.title) or "")
    except _DAMAGE as error:
        raise UnreadableDocument(f"{source} is no PDF file that can be read: {_reason(error)}.") from error
    text = "\n\n".join(filter(None, pages))
    if not text:
        raise UnreadableDocument(f"{source} holds no text; its pages may be scanned pictures.", remedy="Run it through text recognition (OCR) first.")
    return ParsedDocument(None if _NO_TITLE.fullmatch(title) else as_title(title), text)


def _open(content: bytes, source: str) -> PdfReader:
    reader = PdfReader(io.BytesIO(content))
    try:
        locked = reader.is_encrypted and not reader.decrypt("")
    except (DependencyError, NotImplementedError):
        locked = True
    if locked:
        raise UnreadableDocument(f"{source} is encrypted.", remedy="Save a copy without a password and send that.")
    return reader


def _page_text(text: str) -> str:
    """Lines without indentation, which Markdown would take for code; words joined that were cut at a line's end."""
    lines = "\n".join(line.strip() for line in cleaned(text).split("\n"))
    return _HYPHENATED.sub("", lines).strip()


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
