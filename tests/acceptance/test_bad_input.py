"""What is not acceptable gets a clear error with a remedy, is kept where it can be found, and stops nothing else."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from connectors.journal import open_journal
from connectors.kafka.client import client_options
from schemas.codec import decode
from schemas.events import Event, QueryAsked, RecordDeadLettered
from schemas.settings import Settings
from schemas.topics import DEAD_LETTERS, INGESTIONS, QUERIES, Topic
from tests.acceptance.conftest import Running

CORRUPT_PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nthis is not how a PDF goes on"


async def wait_for(settings: Settings, topic: Topic, wanted: Any, timeout_s: float = 30.0) -> Event:
    """The first event of a topic that `wanted` holds true of."""
    async with asyncio.timeout(timeout_s), open_journal(settings) as journal, journal.follow(topic) as follower:
        while True:
            for record in await follower.read(timeout_s=1.0):
                if record.value is not None and wanted(event := decode(record)):
                    return event


async def send(settings: Settings, topic: Topic, key: bytes, value: bytes | None, headers: list | None = None) -> None:
    producer = AIOKafkaProducer(**client_options(settings))
    await producer.start()
    try:
        await producer.send_and_wait(topic.name, value=value, key=key, headers=headers)
    finally:
        await producer.stop()


@pytest.mark.parametrize(
    "value", [b"\xff\xfe not text", b"{", b"[]", b'{"type":"QueryAsked","version":1}', b'{"type":"Nonsense","version":1}', None], ids=range(6)
)
async def test_an_unreadable_record_goes_to_the_dead_letters_and_the_agent_goes_on(running: Running, value: bytes | None) -> None:
    """As it came: key, value, headers; with the error, the remedy, and where it stood."""
    session = await running.one.session()
    await send(running.settings, QUERIES, session.encode(), value, [("x-from", b"elsewhere")])

    letter = await wait_for(running.settings, DEAD_LETTERS, lambda event: event.original_key == session)

    assert isinstance(letter, RecordDeadLettered)
    assert value == (None if letter.original_value is None else base64.b64decode(letter.original_value))
    assert (("x-from", base64.b64encode(b"elsewhere").decode()),) == letter.original_headers
    assert ("queries", "retrieve", "unreadable-record") == (letter.topic, letter.step, letter.error)
    assert letter.detail
    assert letter.remedy
    end = await running.one.answer(session, await running.one.ask(session, "What is a topic?"))
    assert "AnswerCompleted" == end["type"]


async def test_a_producer_gets_the_same_service_as_the_api(running: Running) -> None:
    """QueryAsked written straight to `queries`, without any of our headers, in a session of the producer's naming."""
    event = QueryAsked(id="q-direct", tenant="default", session_id="t-my-own", query_id="q-direct", text="What does acks=all guarantee?")
    await send(running.settings, QUERIES, b"t-my-own", event.model_dump_json().encode())

    async with asyncio.timeout(30):
        while (await running.one.http.get("/v1/sessions/t-my-own/history")).status_code == 404:
            await asyncio.sleep(0.1)
    frames = await running.one.frames("t-my-own", query="q-direct")

    assert ["QueryAsked", "ChunksRetrieved", "GenerationStarted"] == [frame.type for frame in frames[:3]]
    assert ("AnswerCompleted", True) == (frames[-1].type, frames[-1].event["answered"])


async def test_a_corrupt_pdf_fails_alone(running: Running) -> None:
    """Its status says what is wrong and what to do; the document beside it is indexed."""
    for name, body, kind in (("corrupt", CORRUPT_PDF, "application/pdf"), ("good", b"# Good\n\nA page about nothing much.", "text/markdown")):
        response = await running.one.http.post(f"/v1/documents?document_id={name}", content=body, headers={"content-type": kind})
        assert 202 == response.status_code, response.text

    failed = await wait_for(running.settings, INGESTIONS, lambda event: event.document_id == "corrupt")
    indexed = await wait_for(running.settings, INGESTIONS, lambda event: event.document_id == "good")

    assert ("DocumentFailed", "unreadable-document") == (failed.type, failed.error)
    assert failed.remedy
    assert ("DocumentIndexed", 1) == (indexed.type, indexed.chunks)
    letter = await wait_for(running.settings, DEAD_LETTERS, lambda event: event.original_key.endswith("corrupt"))
    assert "documents" == letter.topic


QUERIES_REFUSED = {
    "empty": ({"text": ""}, 422),
    "blank": ({"text": " \n "}, 422),
    "oversized": ({"text": "x" * 8_001}, 422),
    "control characters": ({"text": "a\x00b"}, 422),
    "unknown field": ({"text": "What?", "colour": "red"}, 422),
    "no text": ({}, 422),
    "not an object": ([], 422),
}


@pytest.mark.parametrize("name", QUERIES_REFUSED)
async def test_a_bad_question_is_refused_with_a_remedy(running: Running, name: str) -> None:
    """problem+json by RFC 9457."""
    body, status = QUERIES_REFUSED[name]
    session = await running.one.session()

    response = await running.one.http.post(f"/v1/sessions/{session}/queries", json=body)

    assert (status, "application/problem+json") == (response.status_code, response.headers["content-type"])
    assert {"type", "title", "status", "detail", "remedy", "instance"} <= response.json().keys()


async def test_bytes_that_are_no_utf8_are_refused(running: Running) -> None:
    """In a question's JSON and in a text document."""
    session = await running.one.session()
    for path, kind in ((f"/v1/sessions/{session}/queries", "application/json"), ("/v1/documents?document_id=d", "text/plain")):
        response = await running.one.http.post(path, content=b'{"text": "\xff\xfe"}', headers={"content-type": kind})

        assert response.status_code in (400, 422), response.text
        assert response.json()["remedy"]


async def test_unknown_sessions_malformed_cursors_and_empty_files_are_refused(running: Running) -> None:
    """404, 400, 422."""
    session = await running.one.session()
    refused = [
        await running.one.http.post("/v1/sessions/t-nowhere/queries", json={"text": "Hello?"}),
        await running.one.http.get(f"/v1/sessions/{session}/events", headers={"Last-Event-ID": "not-a-cursor!"}),
        await running.one.http.post("/v1/documents?document_id=e", content=b"", headers={"content-type": "application/pdf"}),
    ]

    assert [404, 400, 422] == [response.status_code for response in refused]
    assert all(response.json()["remedy"] for response in refused)
