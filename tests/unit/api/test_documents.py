"""Documents over HTTP: both forms of body, what is refused, and what became of them."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from opentelemetry.trace import INVALID_SPAN

from api.ingestions import Ingestions
from connectors.journal.memory import MemoryJournal
from connectors.observability import traceparent_of
from schemas.codec import Context, decode
from schemas.events import DocumentDeleted, DocumentFailed, DocumentIndexed, DocumentRemoved, DocumentSubmitted, IngestionProgressed
from schemas.record import Position
from schemas.topics import DOCUMENTS, Topic

URL = "/v1/documents"


async def test_json_with_text_is_a_record_of_documents(api: Any) -> None:
    """DocumentSubmitted holds what was sent."""
    body = {"document_id": "guide/a.md", "title": "A", "source": "/docs/a.md", "text": "# A\n\nText", "tags": ["x"]}
    reply = await api.client.post(URL, json=body)
    event = decode(api.journal.records(DOCUMENTS)[0])

    assert isinstance(event, DocumentSubmitted)
    assert (reply.status_code, reply.json()) == (202, {"document_id": "guide/a.md", "links": {"status": "/v1/documents/guide/a.md"}})
    assert (event.title, event.source, event.content_type, event.encoding, event.content, event.tags) == (
        "A",
        "/docs/a.md",
        "text/markdown",
        "utf-8",
        "# A\n\nText",
        ("x",),
    )


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/markdown; charset=utf-8", "Grüße".encode()),
        ("text/html", b"<p>Text</p>"),
        ("application/pdf", b"%PDF-1.4 \xff\xfe"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04\xff"),
    ],
)
async def test_a_raw_body_is_the_document_itself(api: Any, content_type: str, content: bytes) -> None:
    """Its bytes are in the record, as text where they are text."""
    reply = await api.client.post(URL, params={"source": "a/b"}, content=content, headers={"Content-Type": content_type})
    event = decode(api.journal.records(DOCUMENTS)[0])
    held = event.content.encode() if event.encoding == "utf-8" else base64.b64decode(event.content)

    assert (reply.status_code, held, event.content_type) == (202, content, content_type.partition(";")[0])


async def test_base64_in_json_is_the_same_document(api: Any) -> None:
    """For clients that send only JSON."""
    body = {"content_type": "application/pdf", "content_base64": base64.b64encode(b"%PDF\xff").decode()}
    await api.client.post(URL, json=body)
    event = decode(api.journal.records(DOCUMENTS)[0])

    assert (event.encoding, base64.b64decode(event.content)) == ("base64", b"%PDF\xff")


async def test_text_that_json_would_blow_up_goes_as_base64(api: Any) -> None:
    """A record's limit allows for base64; JSON makes two bytes of a quotation mark, and six of a control character."""
    await api.client.post(URL, content=b'"' * 1_000, headers={"Content-Type": "text/plain"})

    assert decode(api.journal.records(DOCUMENTS)[0]).encoding == "base64"


async def test_the_same_source_is_the_same_document(api: Any) -> None:
    """So sending a folder again makes new versions, not copies; without a source each is its own."""
    sources = ["a.md", "a.md", "b.md", None, None]
    ids = [(await api.client.post(URL, json={"text": "Text", **({"source": source} if source else {})})).json()["document_id"] for source in sources]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("text/markdown", b"", 422),
        ("text/plain", b" \n ", 422),
        ("application/pdf", b"", 422),
        ("text/plain", b"\xff\xfe", 422),
        ("text/plain", b"x" * 2_001, 413),
        ("text/plain", b"x" * 100_000, 413),
        ("image/png", b"x", 415),
        ("", b"x", 415),
        ("application/json", b"{}", 422),
        ("application/json", b'{"text": "a", "content_base64": "YQ=="}', 422),
        ("application/json", b'{"content_base64": "?"}', 422),
        ("application/json", b'{"text": "a", "content_type": "image/png"}', 415),
        ("application/json", b'{"text": "a", "surprise": 1}', 422),
        ("application/json", b'{"text": "a", "document_id": "no spaces"}', 422),
        ("application/json", b'{"text": "\\ud800"}', 422),
        ("application/json", b"\xff", 422),
        ("application/json", b'{"text": ""}', 422),
    ],
)
async def test_a_document_that_cannot_be_taken_is_refused(run: Any, content_type: str, content: bytes, status: int) -> None:
    """With a problem that has a remedy; nothing is written."""
    async with run(max_document_bytes=2_000) as api:
        reply = await api.client.post(URL, content=content, headers={"Content-Type": content_type})

        assert (reply.status_code, reply.json()["status"], bool(reply.json()["remedy"])) == (status, status, True)
        assert api.journal.records(DOCUMENTS) == []


async def test_deleting_is_a_record(api: Any) -> None:
    """DocumentDeleted on `documents`."""
    reply = await api.client.delete(f"{URL}/guide/a.md")
    event = decode(api.journal.records(DOCUMENTS)[0])

    assert isinstance(event, DocumentDeleted)
    assert (reply.status_code, event.document_id) == (202, "guide/a.md")


async def test_the_status_follows_the_last_version(api: Any) -> None:
    """pending, then what the topic `ingestions` says of that version; a word on an earlier one does not count."""
    document = {"tenant": "default", "document_id": "guide"}

    async def heard(event: Any, offset: int) -> str:
        context = Context("/test", traceparent_of(INVALID_SPAN), Position("documents", 0, offset))
        await api.journal.append(event, context)
        await asyncio.sleep(0.1)  # the projection reads within a turn of the loop
        return str((await api.client.get(f"{URL}/guide")).json()["status"])

    for _ in range(2):
        await api.client.post(URL, json={"document_id": "guide", "text": "Text"})
    seen = [(await api.client.get(f"{URL}/guide")).json()["status"]]
    seen.append(await heard(DocumentIndexed(id="i0", title="G", chunks=1, kept=0, reused=0, embedded=1, removed=0, took_ms=1, **document), 0))
    seen.append(await heard(DocumentIndexed(id="i1", title="G", chunks=2, kept=1, reused=0, embedded=1, removed=0, took_ms=1, **document), 1))
    await api.client.delete(f"{URL}/guide")
    seen.append(await heard(DocumentRemoved(id="r", removed=2, **document), 2))
    await api.client.post(URL, json={"document_id": "guide", "text": "Text"})
    seen.append(await heard(DocumentFailed(id="f", error="unreadable-document", detail="No.", remedy="Mend it.", **document), 3))

    assert seen == ["pending", "pending", "indexed", "removed", "failed"]


async def test_the_status_of_a_large_document_says_how_far_it_is(api: Any) -> None:
    """Stage and chunks while it is under way, then what came of it, in figures."""
    document = {"tenant": "default", "document_id": "guide"}
    seen = []
    await api.client.post(URL, json={"document_id": "guide", "text": "Text"})
    for event in (
        IngestionProgressed(id="p0", stage="cut", chunks=300, done=10, **document),
        IngestionProgressed(id="p1", stage="embedding", chunks=300, done=42, **document),
        DocumentIndexed(id="i", title="G", chunks=300, kept=10, reused=20, embedded=270, removed=1, took_ms=1, **document),
        DocumentRemoved(id="r", removed=300, **document),
    ):
        await api.journal.append(event, Context("/test", traceparent_of(INVALID_SPAN), Position("documents", 0, 0)))
        await asyncio.sleep(0.1)
        status = (await api.client.get(f"{URL}/guide")).json()
        seen.append({name: value for name, value in status.items() if name not in ("document_id", "time")})

    assert [
        {"status": "indexing", "stage": "cut", "chunks": 300, "done": 10},
        {"status": "indexing", "stage": "embedding", "chunks": 300, "done": 42},
        {"status": "indexed", "title": "G", "chunks": 300, "kept": 10, "reused": 20, "embedded": 270, "removed": 1},
        {"status": "removed", "removed": 300},
    ] == seen


async def test_an_unknown_document_is_404(api: Any) -> None:
    """Never submitted, as far as the log says."""
    reply = await api.client.get(f"{URL}/nothing")

    assert (reply.status_code, reply.json()["type"]) == (404, "urn:roxy:problem:unknown-document")


class FailsOnce(MemoryJournal):
    """Raises what nobody expects, the first time."""

    failures = 0

    async def ends(self, topic: Topic) -> dict[int, int]:
        if not self.failures:
            self.failures += 1
            raise RuntimeError("unexpected")
        return dict(await super().ends(topic))


async def test_an_unexpected_error_does_not_end_the_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the topic is followed from its beginning again."""
    monkeypatch.setattr("api.topic_reading._RETRY_S", 0.01)
    document = {"tenant": "default", "document_id": "guide"}
    async with FailsOnce() as journal:
        await journal.append(DocumentRemoved(id="r", removed=1, **document), Context("/test", traceparent_of(INVALID_SPAN)))
        ingestions = Ingestions(journal)
        async with asyncio.timeout(10), ingestions.followed():
            while not ingestions.caught_up:
                await asyncio.sleep(0.01)

    assert (journal.failures, ingestions.status(**document).status) == (1, "removed")
