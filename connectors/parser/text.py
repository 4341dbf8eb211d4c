"""Markdown and plain text: strictly UTF-8, no control characters. Also what the other formats share: cleaning, and a text's first heading."""

from __future__ import annotations

import re

from connectors.parser.base import ParsedDocument
from schemas.errors import UnreadableDocument

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_FIRST_LEVEL = re.compile(r" {0,3}#[ \t]+(.+?)[ \t]*#*[ \t]*")
_FRONT_MATTER = re.compile(r"---\n(.*?\n)(?:---|\.\.\.)\n", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)
_LONGEST_TITLE = 300


def read(content: bytes, source: str) -> ParsedDocument:
    """Text as it is; YAML front matter is taken off, since Markdown would read it as a heading."""
    text = decode(content, source)
    front = _FRONT_MATTER.match(text)
    if front is None:
        return ParsedDocument(first_heading(text), text)
    title = _FRONT_TITLE.search(front[1])
    body = text[front.end() :]
    return ParsedDocument(as_title(title[2]) if title else first_heading(body), body)


def decode(content: bytes, source: str) -> str:
    """UTF-8, with or without a byte order mark, to text with \\n line ends. Raises UnreadableDocument with the place of the first fault."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDocument(
            f"{source} is not UTF-8 text: byte 0x{content[error.start]:02x} at position {error.start}.",
            remedy="Save it as UTF-8 and send it again, or send it with the content type that it is of.",
        ) from error
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise UnreadableDocument(
            f"{source} holds the control character U+{ord(control[0]):04X} at position {control.start()}, line {line}.",
            remedy="Take it out, or send the file with the content type that it is of.",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def cleaned(text: str) -> str:
    """What a format's library read, without control characters and halves of pairs: there they are no fault of the author's."""
    return _CONTROL.sub("", _paired(text).replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n\n")).strip()


def as_title(text: str) -> str | None:
    """A title on one line, without Markdown's marks; None if nothing is left."""
    return re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", " ".join(_CONTROL.sub(" ", _paired(text)).split()))[:_LONGEST_TITLE].strip() or None


def _paired(text: str) -> str:
    """Surrogates joined to the characters that they are halves of; a lone one, which UTF-8 cannot hold, becomes U+FFFD."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def first_heading(text: str) -> str | None:
    """The first `# heading` that does not stand inside a code fence."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark:
            fence = "" if mark[1] == fence else fence or mark[1]
        elif not fence and (heading := _FIRST_LEVEL.fullmatch(line)):
            return as_title(heading[1])
    return None
