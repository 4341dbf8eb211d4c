"""Which documents `roxy ingest` finds, which it refuses, and that one stops none of the others."""

from __future__ import annotations

import base64
import os
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from connectors.journal.memory import MemoryJournal
from connectors.parser import content_type_of
from infra.documents import Found, _lines, document_id, find_documents, submitted
from infra.ingest import ingest, submit
from schemas.codec import Context, encode
from schemas.errors import InvalidDocument, InvalidInput
from schemas.events import DocumentSubmitted, Event
from schemas.record import Position
from schemas.settings import Settings
from schemas.topics import DOCUMENTS, max_record_bytes

LIMIT = 1_000


def found_in(path: Path, max_bytes: int = LIMIT) -> tuple[list[DocumentSubmitted], Found]:
    """All documents, and what is known once they are read."""
    found = find_documents([path], tenant="acme", tags=("a",), max_bytes=max_bytes)
    return list(found.documents), found


class NarrowJournal(MemoryJournal):
    """Takes documents up to a length, and of a batch all that come before one that is longer: so does a cluster."""

    async def append_all(self, events: list[Event], context: Context) -> list[Position]:  # type: ignore[override]
        positions = []
        for event in events:
            if isinstance(event, DocumentSubmitted) and len(event.content) > LIMIT:
                raise InvalidInput("The record is larger than its topic takes.")
            positions += await super().append_all([event], context)
        return positions


@pytest.mark.parametrize("content", [b"\x01" * 100_000, b'"' * 100_000, b"\xff\x00" * 50_000, "ä".encode() * 50_000])
def test_a_document_within_the_limit_is_within_its_topics_limit(content: bytes) -> None:
    """Control characters take six bytes each in JSON: such text goes as base64, which is what the topic allows for."""
    event = submitted("d", content, "text/plain", source="d", tenant="default")
    value = encode(event, Context("/roxy/cli", "")).value or b""
    held = base64.b64decode(event.content) if event.encoding == "base64" else event.content.encode()

    assert held == content
    assert len(value) <= max_record_bytes(DOCUMENTS, Settings(max_document_bytes=len(content)))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Its size is asked first: this one is larger than any memory."""
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(2**40)
    (tmp_path / "small.txt").write_text("Small.")
    documents, found = found_in(tmp_path)

    assert [document.content for document in documents] == ["Small."]
    assert [name for name, _ in found.refused] == [f"{tmp_path.name}/large.txt"]


def test_a_line_that_cannot_be_read_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    """Each line of a JSON Lines file is a document, and the limit is a document's. The file may be larger."""
    lines = [b'{"_id": "n0", "text": "one"}', b"", b'{"text": "%s"}' % (b"x" * LIMIT), b"{no json", b'{"_id": "n4", "text": "five"}\r']
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    documents, found = found_in(tmp_path / "a.jsonl")

    assert ["n0", "n4"] == [document.document_id for document in documents]
    assert [("a.jsonl:3", "1,012 bytes"), ("a.jsonl:4", "no JSON")] == [(name, told(error)) for name, error in found.refused]
    assert 4 == found.total


def told(error: InvalidDocument) -> str:
    return next(words for words in ("1,012 bytes", "no JSON", "is empty", "No such file") if words in str(error))


def test_a_file_without_a_document_and_one_that_is_gone_are_refused(tmp_path: Path) -> None:
    """By their names."""
    (tmp_path / "a.jsonl").write_text("\n \n")
    (tmp_path / "b.md").write_text("Text.")
    found = find_documents([tmp_path], tenant="acme", tags=(), max_bytes=LIMIT)
    (tmp_path / "b.md").unlink()

    assert [] == list(found.documents)
    assert [(f"{tmp_path.name}/a.jsonl", "is empty"), (f"{tmp_path.name}/b.md", "No such file")] == [
        (name, told(error)) for name, error in found.refused
    ]


@given(st.lists(st.integers(0, 60)), st.integers(1, 40), st.sampled_from([b"\n", b"\r\n"]))
def test_of_a_line_above_the_limit_only_the_beginning_is_in_memory(sizes: list[int], most: int, end: bytes) -> None:
    """Each line has its size, and one within the limit all of its text."""
    content = b"".join(b"x" * size + end for size in sizes)
    lines = list(_lines(BytesIO(content), most))

    assert [max(size, 1) for size in sizes] == [size for _, size in lines]
    assert [True] * len(sizes) == [len(line) <= most + 2 and (size > most or len(line.strip()) in (size, 0)) for line, size in lines]


def test_documents_are_read_one_by_one(tmp_path: Path) -> None:
    """The number of files is known at once; what is in a file, when its turn comes."""
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("early")
    found = find_documents([tmp_path], tenant="acme", tags=(), max_bytes=LIMIT)
    first = next(found.documents)
    (tmp_path / "2.txt").write_text("late")

    assert (3, ["early", "early", "late"]) == (found.total, [first.content, *(document.content for document in found.documents)])


@pytest.mark.parametrize("name", ["日本", "___", os.fsdecode(b"\xff\xfe")])
def test_odd_names_are_documents_too(tmp_path: Path, name: str) -> None:
    """Names without a letter that an id may hold, or that are not UTF-8, stop nothing."""
    (tmp_path / f"{name}.txt").write_text("Text.")
    assert content_type_of(tmp_path / f"{name}.txt") == "text/plain"

    assert [document.content for document in found_in(tmp_path)[0]] == ["Text."]


def test_an_id_begins_with_a_letter_or_digit() -> None:
    """Also where nothing of the name may stand in an id; and two such names have two ids."""
    assert document_id("日本").startswith("d-")
    assert document_id("日本") != document_id("東京")


async def test_a_document_that_the_log_refuses_stops_none_of_the_others() -> None:
    """It is told by its source; what stood before and behind it in the batch is in the log, the latest version last."""
    documents = [submitted(name, text, "text/plain", source=name, tenant="acme") for name, text in (("a", b"1"), ("b", b"x" * 2_000), ("c", b"3"))]
    async with NarrowJournal() as journal:
        positions, refused = await submit(journal, documents)
        keys = [(record.key or b"").decode().rpartition("/")[2] for record in journal.records(DOCUMENTS)]

    assert [name for name, _ in refused] == ["b"]
    assert len(positions) == 2
    assert set(keys) == {"a", "c"}


def test_documents_are_the_given_tenants(tmp_path: Path) -> None:
    """As `roxy ingest --tenant` says; a name that is none is refused before anything is read."""
    (tmp_path / "a.txt").write_text("Text.")

    assert [document.tenant for document in found_in(tmp_path)[0]] == ["acme"]
    with pytest.raises(InvalidInput, match="No One"):
        ingest(Settings(), [tmp_path], tenant="No One", console=Console(quiet=True))
