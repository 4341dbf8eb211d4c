"""Which documents `roxy ingest` finds, which it refuses, and that one stops none of the others."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from connectors.journal.memory import MemoryJournal
from connectors.parser import content_type_of
from infra.documents import Found, document_id, find_documents, submitted
from infra.ingest import ingest, submit
from schemas.codec import Context, encode
from schemas.errors import InvalidInput
from schemas.events import DocumentSubmitted, Event
from schemas.record import Position
from schemas.settings import Settings
from schemas.topics import DOCUMENTS, max_record_bytes

LIMIT = 1_000


def found_in(path: Path, max_bytes: int = LIMIT) -> Found:
    return find_documents([path], tenant="acme", tags=("a",), max_bytes=max_bytes)


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
    found = found_in(tmp_path)

    assert [document.content for document in found.documents] == ["Small."]
    assert [name for name, _ in found.refused] == [f"{tmp_path.name}/large.txt"]


def test_a_line_that_is_too_large_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    """Each line of a JSON Lines file is a document, and the limit is a document's. The file may be larger."""
    texts = ["one", "x" * LIMIT, "three" * 150]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(orjson.dumps({"_id": f"n{at}", "text": text}) for at, text in enumerate(texts)))
    found = found_in(tmp_path / "a.jsonl")

    assert [document.document_id for document in found.documents] == ["n0", "n2"]
    assert [name for name, _ in found.refused] == ["a.jsonl:2"]


@pytest.mark.parametrize("name", ["日本", "___", os.fsdecode(b"\xff\xfe")])
def test_odd_names_are_documents_too(tmp_path: Path, name: str) -> None:
    """Names without a letter that an id may hold, or that are not UTF-8, stop nothing."""
    (tmp_path / f"{name}.txt").write_text("Text.")
    assert content_type_of(tmp_path / f"{name}.txt") == "text/plain"

    assert [document.content for document in found_in(tmp_path).documents] == ["Text."]


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

    assert [document.tenant for document in found_in(tmp_path).documents] == ["acme"]
    with pytest.raises(InvalidInput, match="No One"):
        ingest(Settings(), [tmp_path], tenant="No One", console=Console(quiet=True))
