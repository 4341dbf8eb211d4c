"""Word documents by mammoth, through HTML: its own Markdown drops tables."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

import mammoth
from bs4 import BeautifulSoup

from connectors.parser.base import ParsedDocument
from connectors.parser.html import to_markdown
from connectors.parser.text import as_title, first_heading
from schemas.errors import UnreadableDocument

_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, ValueError, AttributeError, EOFError, OSError, SyntaxError, ExpatError, RecursionError)
_OLE = b"\xd0\xcf\x11\xe0"  # an old .doc, or a .docx with a password
_MOST_UNPACKED = 200 * 1024 * 1024  # 20 times the largest document by default: more is a zip bomb
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => h2:fresh"
_CORE = "docProps/core.xml"
_DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def read(content: bytes, source: str) -> ParsedDocument:
    """Headings, lists, tables and text; no pictures. Raises UnreadableDocument."""
    if content.startswith(_OLE):
        raise UnreadableDocument(f"{source} is encrypted, or in Word's old format.", remedy="Save it as .docx without a password and send that.")
    try:
        title = _core_title(content, source)
        html = mammoth.convert_to_html(io.BytesIO(content), style_map=_STYLES, convert_image=mammoth.images.img_element(lambda image: {}))
        text = to_markdown(BeautifulSoup(html.value, "lxml"))
    except _DAMAGE as error:
        raise UnreadableDocument(f"{source} is no DOCX file that can be read: {str(error).rstrip('.') or type(error).__name__}.") from error
    return ParsedDocument(first_heading(text) or as_title(title), text)


def _core_title(content: bytes, source: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
            raise UnreadableDocument(f"{source} unpacks to more than {_MOST_UNPACKED // 1024**2} MiB.", remedy="Save it anew without pictures.")
        if _CORE not in archive.namelist():
            return ""
        return ElementTree.fromstring(archive.read(_CORE)).findtext(_DC_TITLE) or ""
