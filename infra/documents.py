"""Files to documents: which files of a folder can be read, and what each says under which id."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, NamedTuple

from connectors.parser import JSONL, content_type_of
from connectors.parser.json import read_line
from schemas.document_content import as_content
from schemas.errors import InvalidDocument
from schemas.events import DocumentSubmitted

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._:/#@-]+")
_LONGEST_ID = 150

Refused = tuple[str, InvalidDocument]  #: with the name of the file, or of the line in it


class Terms(NamedTuple):
    """What holds for each document of a run."""

    tenant: str
    tags: tuple[str, ...]
    max_bytes: int

    def require_size(self, name: str, size: int) -> None:
        """Raises InvalidDocument if it is empty or too large."""
        if not size:
            raise InvalidDocument(f"{name} is empty (0 bytes).", remedy="Check that the file was written completely.")
        if size > self.max_bytes:
            raise InvalidDocument(
                f"{name} has {size:,} bytes; the limit is {self.max_bytes:,}.", remedy="Split it, or raise ROXY_MAX_DOCUMENT_BYTES."
            )


class Found:
    """What the given paths hold: their names at once, their documents one by one, so that memory holds one of them at a time."""

    def __init__(self, paths: Iterable[Path], terms: Terms) -> None:
        self._files = list(_files(paths))
        self.total = len(self._files)  #: documents, as far as is known: a file of many adds to it while it is read
        self.refused: list[Refused] = []  #: of what was read so far
        self.documents = self._read(terms)  #: can be read once

    def _read(self, terms: Terms) -> Iterator[DocumentSubmitted]:
        for path, name in self._files:
            for number, one in enumerate(_told(_documents_in(path, name, terms), name)):
                self.total += number > 0
                if isinstance(one, DocumentSubmitted):
                    yield one
                else:
                    self.refused.append(one)


def find_documents(paths: Iterable[Path], *, tenant: str, tags: tuple[str, ...], max_bytes: int) -> Found:
    """Files, and folders to any depth. A folder's files of unknown types are passed over; one named by itself is refused."""
    return Found(paths, Terms(tenant, tags, max_bytes))


def document_id(name: str) -> str:
    """An id from a path: the same path gives the same id, so that a changed file is a new version of its document."""
    plain = _NOT_IN_ID.sub("-", name).lstrip("-./_:#@")
    if plain == name and len(name) <= _LONGEST_ID:
        return plain
    return f"{plain[: _LONGEST_ID - 10] or 'd'}-{blake2b(name.encode(), digest_size=4).hexdigest()}"  # two odd names must not meet in one id


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Each file with its name below the folder that was given."""
    for path in paths:
        if not path.is_dir():
            yield path, _plain(path.name)
            continue
        root = path.resolve().parent
        for file in sorted(path.resolve().rglob("*")):
            if file.is_file() and content_type_of(file) and not any(part.startswith(".") for part in file.relative_to(root).parts):
                yield file, _plain(file.relative_to(root).as_posix())


def _plain(name: str) -> str:
    """A file's name need not be UTF-8; a record's fields are."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _told(documents: Iterable[DocumentSubmitted | Refused], name: str) -> Iterator[DocumentSubmitted | Refused]:
    """What a file holds, and what is wrong with it as a whole."""
    try:
        yield from documents
    except InvalidDocument as error:
        yield name, error
    except OSError as error:
        yield name, InvalidDocument(f"{name}: {error.strerror}.", remedy="Check the path and its permissions.")


def _documents_in(path: Path, name: str, terms: Terms) -> Iterator[DocumentSubmitted | Refused]:
    content_type = content_type_of(path)
    if content_type is None:
        raise InvalidDocument(f"{name} is of a type that cannot be read.", remedy="Send md, txt, log, html, pdf, docx, json or jsonl.")
    if content_type == JSONL:
        yield from _documents_on_lines(path, name, terms)
        return
    terms.require_size(name, path.stat().st_size)  # before it is read: it may be larger than memory
    yield submitted(document_id(name), path.read_bytes(), content_type, source=name, tenant=terms.tenant, tags=terms.tags)


def _documents_on_lines(path: Path, name: str, terms: Terms) -> Iterator[DocumentSubmitted | Refused]:
    """Each line is a document: one that cannot be read is refused, the others are not."""
    found = 0
    with path.open("rb") as file:
        for number, (line, size) in enumerate(_lines(file, terms.max_bytes), start=1):
            for one in _told(_document_on(line, size, number, name, terms), f"{name}:{number}"):
                found += 1
                yield one
    if not found:
        raise InvalidDocument(f"{name} is empty: no line holds a document.", remedy='Write {"title": "…", "text": "…"}, one on each line.')


def _document_on(line: bytes, size: int, number: int, name: str, terms: Terms) -> Iterator[DocumentSubmitted]:
    source = f"{name}:{number}"
    terms.require_size(source, size)
    if read := read_line(line, number, name):
        own_id = read.fields.get("_id") or read.fields.get("id") or read.fields.get("document_id")
        identity = document_id(str(own_id) if own_id else source)
        yield submitted(identity, read.content, "application/json", source=source, tenant=terms.tenant, tags=terms.tags)


def _lines(file: BinaryIO, most: int) -> Iterator[tuple[bytes, int]]:
    """Each line with its size. Of one that is longer than `most`, only the beginning: the rest may be larger than memory."""
    while line := file.readline(most + 2):
        size, part = len(line.rstrip(b"\r\n")), line
        while not part.endswith(b"\n") and (part := file.readline(most + 2)):
            size += len(part.rstrip(b"\r\n"))
        yield line, max(size, 1)


def submitted(identity: str, content: bytes, content_type: str, *, source: str, tenant: str, tags: tuple[str, ...] = ()) -> DocumentSubmitted:
    """The event of a document's bytes: as text where that is the smaller record, else in base64."""
    encoding, text = as_content(content)
    return DocumentSubmitted(
        id=f"{identity}@{blake2b(content, digest_size=8).hexdigest()}",
        tenant=tenant,
        document_id=identity,
        source=source,
        content_type=content_type,
        encoding=encoding,
        content=text,
        tags=tags,
        submitted_by="cli",
    )
