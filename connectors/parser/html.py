"""HTML by trafilatura, which drops menus, cookie bars and footers; by markdownify where that leaves too little."""

from __future__ import annotations

import trafilatura
from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

from connectors.parser.base import ParsedDocument
from connectors.parser.text import as_title, cleaned, first_heading
from schemas.errors import UnreadableDocument

# Below this trafilatura drops heading marks and may drop the body (tried); a short page is better converted whole.
_LITTLE = 400
_CHROME = ["script", "style", "noscript", "template", "nav", "footer", "aside", "form", "svg", "iframe"]


def read(content: bytes, source: str) -> ParsedDocument:
    """The page's main text. Raises UnreadableDocument."""
    try:
        soup = BeautifulSoup(content, "lxml")
        title = soup.title.get_text() if soup.title else ""
        text = _main_text(content)
        text = text if len(text) >= _LITTLE else max(text, to_markdown(soup), key=_worth)
    except RecursionError as error:
        raise UnreadableDocument(f"{source} nests its elements too deeply to be read.", remedy="Send it as text or Markdown.") from error
    return ParsedDocument(first_heading(text) or as_title(title), text)


def to_markdown(soup: BeautifulSoup) -> str:
    """All of a page's text but its chrome. The docx reader uses it too."""
    for element in soup.find_all(_CHROME):
        element.decompose()
    body = soup.body or soup
    converter = MarkdownConverter(heading_style="ATX", bullets="-", strip=["a", "img"], table_infer_header=True, escape_misc=False)
    return cleaned(str(converter.convert_soup(body)))


def _main_text(content: bytes) -> str:
    found = trafilatura.extract(
        content, output_format="markdown", include_tables=True, include_comments=False, include_formatting=True, favor_recall=True
    )
    return cleaned(found or "")


def _worth(text: str) -> tuple[bool, int]:
    """A text with heading marks beats one without; else the longer one."""
    return "#" in text, len(text)
