"""Files to documents: which files of a folder can be read, and what each says under which id."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from connectors.parser import JSONL, content_type_of
from connectors.parser.json import split_jsonl
from schemas.document_content import as_content
from schemas.errors import InvalidDocument
from schemas.events import DocumentSubmitted

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._:/#@-]+")
_LONGEST_ID = 150


class Found:
    """What the given paths hold: documents to send, and files that cannot be."""

    def __init__(self) -> None:
        self.documents: list[DocumentSubmitted] = []
        self.refused: list[tuple[str, InvalidDocument]] = []


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


def find_documents(paths: Iterable[Path], *, tenant: str, tags: tuple[str, ...], max_bytes: int) -> Found:
    """Read files, and folders to any depth. A folder's files of unknown types are passed over; one named by itself is refused."""
    found, terms = Found(), Terms(tenant, tags, max_bytes)
    for path, name in _files(paths):
        try:
            _add(found, path, name, terms)
        except InvalidDocument as error:
            found.refused.append((name, error))
        except OSError as error:
            found.refused.append((name, InvalidDocument(f"{name}: {error.strerror}.", remedy="Check the path and its permissions.")))
    return found


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


def _add(found: Found, path: Path, name: str, terms: Terms) -> None:
    content_type = content_type_of(path)
    if content_type is None:
        raise InvalidDocument(f"{name} is of a type that cannot be read.", remedy="Send md, txt, log, html, pdf, docx, json or jsonl.")
    if content_type == JSONL:
        _add_lines(found, path.read_bytes(), name, terms)
        return
    terms.require_size(name, path.stat().st_size)  # before it is read: it may be larger than memory
    found.documents.append(submitted(document_id(name), path.read_bytes(), content_type, source=name, tenant=terms.tenant, tags=terms.tags))


def _add_lines(found: Found, content: bytes, name: str, terms: Terms) -> None:
    """Each line is a document: one that is too large is refused, the others are not."""
    for line in split_jsonl(content, name):
        source = f"{name}:{line.number}"
        own_id = line.fields.get("_id") or line.fields.get("id") or line.fields.get("document_id")
        identity = document_id(str(own_id) if own_id else source)
        try:
            terms.require_size(source, len(line.content))
        except InvalidDocument as error:
            found.refused.append((source, error))
            continue
        found.documents.append(submitted(identity, line.content, "application/json", source=source, tenant=terms.tenant, tags=terms.tags))


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
