"""Weaviate under real workers: killed while questions are asked, shared by several, rebuilt. Full tier."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from connectors.embedder.vectors import vector_to_text
from connectors.journal import open_journal
from connectors.journal.memory import MemoryJournal
from connectors.shared_index import open_shared_index
from infra import processes, weaviate
from infra.demo import SAMPLES
from infra.documents import find_documents
from infra.ingest import submit_and_wait
from infra.ports import free_block
from infra.shared_index import change
from schemas.codec import decode
from schemas.events import ChunkIndexed, DocumentDeleted, DocumentSubmitted, RecordDeadLettered
from schemas.settings import Settings
from schemas.topics import CHUNKS, DEAD_LETTERS
from streams.shared_writes import Target, write_shared
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.new_group import begin_here
from tests.builders import CONTEXT
from tests.conftest import Broker
from tests.contract.shared_indexes import an_empty_one

pytestmark = pytest.mark.full

QUESTIONS = 200
SESSIONS = 8
KILLED_AFTER, STARTED_AFTER = 50, 120  # answers
PATIENCE_S = 60.0


@pytest.fixture
async def own_weaviate(broker: Broker, tmp_path: Path) -> AsyncIterator[Settings]:
    """A server that only this test has, and may kill; vectors lie in it, words in the worker."""
    first = free_block(6)
    changed = {
        "state_dir": tmp_path,
        "consumer_group": f"roxy-{uuid.uuid4().hex[:8]}",
        "weaviate_port": first,
        "weaviate_grpc_port": first + 1,
        "vector_index": "weaviate",
        "embedder": "sentence-transformers:all-MiniLM-L6-v2",
        "breaker_reset_s": 1.0,
        "search_timeout_s": 20.0,  # a server that is killed refuses at once; one that is slow, beside other tests, is no part to do without
    }
    own = broker.settings.model_copy(update=changed)
    await weaviate.SERVER.start(await begin_here(own))
    yield weaviate.reached(own).model_copy(update={"keyword_index": "tantivy"})
    await asyncio.to_thread(weaviate.SERVER.stop, own)


def questions() -> list[str]:
    """All different, so that none is answered from a cache."""
    lines = (SAMPLES.parent / "beir" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [orjson.loads(line)["text"] for line in lines]
    return [f"{texts[number % len(texts)]} ({number})" for number in range(QUESTIONS)]


async def asked(api: Api, session: str, text: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The parts that were done without, and the terminal event."""
    accepted = await api.ask(session, text)
    frames = await api.frames(session, after=accepted["cursor"], query=accepted["query_id"])
    degraded = next((tuple(frame.event["degraded"]) for frame in frames if frame.type == "ChunksRetrieved"), ())
    return degraded, frames[-1].event


async def until_whole(api: Api, session: str, text: str) -> None:
    """Until a question is answered with nothing done without."""
    async with asyncio.timeout(PATIENCE_S):
        tries = 0
        while (await asked(api, session, f"{text} [{(tries := tries + 1)}]"))[0]:
            await asyncio.sleep(0.2)


@pytest.mark.timeout(600)
async def test_weaviate_killed_among_questions_leaves_none_without_an_answer(own_weaviate: Settings) -> None:
    """Of 200 questions every one is answered; those that found it away say so; once it is back, it is asked again by itself."""
    fleet = Fleet(own_weaviate)
    answers: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    try:
        await fleet.worker()
        api = await fleet.api()
        found = find_documents([SAMPLES], tenant="default", tags=(), max_bytes=10**7)
        done = await submit_and_wait(own_weaviate, found.documents)
        sessions = [await api.session("lane") for _ in range(SESSIONS)]
        await until_whole(api, sessions[0], "What is consumer lag?")

        async def ask(session: str, text: str) -> None:
            answers.append(await asked(api, session, text))

        async def ask_each(session: str, texts: list[str]) -> None:
            for text in texts:
                await ask(session, text)

        async def kill_and_start() -> tuple[int, int]:
            while len(answers) < KILLED_AFTER:
                await asyncio.sleep(0.01)
            child = processes.find(own_weaviate.state_dir, weaviate.SERVER.name)
            assert child is not None
            await fleet.signal(child, signal.SIGKILL)
            killed = len(answers)
            while len(answers) < STARTED_AFTER:
                await asyncio.sleep(0.01)
            await weaviate.SERVER.start(own_weaviate)
            return killed, len(answers)

        texts = questions()
        parts = [ask_each(session, texts[number::SESSIONS]) for number, session in enumerate(sessions)]
        (killed, _), *_ = await asyncio.gather(kill_and_start(), *parts)
        await until_whole(api, sessions[0], "What is a tombstone?")
    finally:
        await fleet.close()

    assert (done.waiting, done.failed) == (0, [])
    assert {event["type"] for _, event in answers} == {"AnswerCompleted"}
    assert len(answers) == QUESTIONS
    assert {degraded for degraded, _ in answers[: killed - SESSIONS]} == {()}
    assert {degraded for degraded, _ in answers[killed + SESSIONS : STARTED_AFTER - SESSIONS]} == {("vector",)}


async def until_count(target: Target, generation: str, tenant: str, count: int) -> None:
    """Until a generation holds so many chunks of the tenant."""
    async with asyncio.timeout(PATIENCE_S):
        while await target.shared.count(generation, tenant) != count:
            await asyncio.sleep(0.1)


def a_page(tenant: str, number: int) -> DocumentSubmitted:
    return DocumentSubmitted(
        id=f"{tenant}-{number}", tenant=tenant, document_id=f"page-{number}", source="page.md", content=f"# Zebras\n\nNumber {number}."
    )


@pytest.mark.timeout(300)
async def test_two_workers_write_once_and_follow_a_rebuild(settings: Settings, weaviate_server: Settings) -> None:
    """A rebuild has what the generation before had; behind it the workers write on in the new one, deletions too."""
    server = {name: getattr(weaviate_server, name) for name in ("weaviate_url", "weaviate_key", "weaviate_grpc_port")}
    own = settings.model_copy(update={**server, "vector_index": "none", "keyword_index": "weaviate"})
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    async with AsyncExitStack() as stack:
        fleet = Fleet(own)
        stack.push_async_callback(fleet.close)
        journal = await stack.enter_async_context(open_journal(own))
        shared = open_shared_index(own, embedder="none", dims=None)
        assert shared is not None
        stack.push_async_callback(shared.close)
        target = Target(shared, "none", None, own.consumer_group)
        await fleet.worker()
        await fleet.worker()
        old = await shared.serving()
        await submit_and_wait(own, [a_page(tenant, number) for number in range(20)])
        await until_count(target, old, tenant, 20)
        new = (await change(own, rebuild=True)).serving
        rebuilt = await shared.count(new, tenant)
        await submit_and_wait(own, [a_page(tenant, 20)])
        await until_count(target, new, tenant, 21)
        await journal.append(DocumentDeleted(id=f"{tenant}-gone", tenant=tenant, document_id="page-0"), CONTEXT)
        await until_count(target, new, tenant, 20)
        found = await shared.sharing(tenant, "zebra", 50, "", None)
        looked = await change(own, swap=old)

    assert (old != new, rebuilt) == (True, 20)
    assert {hit.chunk_id for hit in found} == {f"{tenant}/page-{number}#0" for number in range(1, 21)}
    assert (looked.serving, looked.generations[-2:]) == (old, [old, new])


def a_chunk(number: int, dims: int, text: str) -> ChunkIndexed:
    vector = np.zeros(dims, dtype=np.float32)
    vector[0] = 1.0
    return ChunkIndexed(
        id=f"page/{number}",
        tenant="default",
        chunk_id=f"default/page#{number}",
        document_id="page",
        ordinal=number,
        title="Page",
        source="page.md",
        start=0,
        end=len(text),
        text=text,
        tokens=3,
        written_at="2026-01-01T00:00:00.000Z",
        content_hash="00",
        embedder="made-up",
        vector=vector_to_text(vector),
    )


async def test_a_chunk_that_is_refused_goes_to_the_dead_letters(weaviate_server: Settings) -> None:
    """And what came with it and behind it is written, deletions in their order."""
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(MemoryJournal())
        shared = an_empty_one(weaviate_server, stack, 8)
        writing = asyncio.create_task(write_shared(journal, Target(shared, "made-up", None, "test")))
        stack.callback(writing.cancel)
        await journal.append_all([a_chunk(0, 8, "zebra"), a_chunk(1, 3, "lion"), a_chunk(2, 8, "zebra")], CONTEXT)
        async with asyncio.timeout(PATIENCE_S):
            while not journal.records(DEAD_LETTERS):
                await asyncio.sleep(0.1)
        await journal.retract(CHUNKS, ["default/page#0"], CONTEXT)
        await until_count(Target(shared, "made-up", None, "test"), await shared.serving(), "default", 1)
        found = await shared.sharing("default", "zebra lion", 5, "", None)
        letters = [decode(record) for record in journal.records(DEAD_LETTERS)]

    assert [hit.chunk_id for hit in found] == ["default/page#2"]
    assert [(letter.original_key, letter.error) for letter in letters if isinstance(letter, RecordDeadLettered)] == [
        ("default/page#1", "index-refused")
    ]
