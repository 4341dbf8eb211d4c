"""Rebuild, time travel and replay, with real workers and a real Kafka, by the commands that an operator types."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.embedder import open_embedder
from connectors.embedder.base import Vectors
from connectors.journal import open_journal
from infra.environment import environment
from infra.ingest import submit_and_wait
from schemas.events import DocumentDeleted, DocumentSubmitted, RetrievedChunk
from schemas.settings import Settings
from schemas.topics import CHUNKS
from streams.chunk_index import ChunkIndex
from streams.generations import Generations
from streams.past_questions import past_questions
from streams.ports import open_workshop
from streams.positions import origin_at
from streams.rebuild_index import build
from streams.search.lookup import Lookup
from streams.search.plan import Plan
from streams.search.search import search
from tests.acceptance.conftest import Running
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.roxy_command import Ran, roxy
from tests.builders import CONTEXT
from tests.conftest import Broker, a_broker, a_home

QUESTIONS = [f"{what} {of}" for what in ("What is", "How do I configure", "When should I use", "Why is there") for of in (
    "a consumer group", "log compaction", "a partition", "an idempotent producer", "reciprocal rank fusion", "a cross-encoder", "a dead letter",
    "the session log", "a cursor", "an upcaster", "traceparent", "backpressure", "HNSW", "BM25", "a KRaft controller", "acks=all", "replication",
    "a preference pair", "a citation", "consumer lag", "chunk overlap", "an embedding model", "a tombstone", "batching", "prompt injection",
    "event sourcing", "a Faust agent", "server-sent events", "retention", "a rebalance", "a transaction", "a snapshot", "schema evolution",
    "an evaluation", "exactly-once", "a topic", "a broker", "an offset", "a quota", "TLS", "an index", "a generation", "a swap", "a fold",
    "a projection", "a heartbeat", "a lane", "a window", "an attempt", "a token",
)]  # fmt: skip


@pytest.fixture(scope="module")
def broker_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A Kafka of the module's own: whole logs are compared, and others cut documents otherwise, or send broken ones."""
    yield from a_home(tmp_path_factory.mktemp("time-travel"))


@pytest.fixture(scope="module")
async def broker(broker_home: Settings) -> Broker:
    return await a_broker(broker_home)


async def command(settings: Settings, *arguments: str) -> Ran:
    return await asyncio.to_thread(roxy, settings, *arguments)


async def told(settings: Settings, *arguments: str) -> dict[str, Any]:
    """What a command prints with --json."""
    ran = await command(settings, *arguments, "--json")
    assert ran.exit_code == 0, ran.stderr + ran.stdout
    return ran.json


def a_version(number: int, document_id: str) -> DocumentSubmitted:
    content = f"# Diary\n\nOn the day number{number} of the {document_id} journey there was nothing to be seen but rain, fog and zebras."
    return DocumentSubmitted(id=f"{document_id}@{number}", tenant="default", document_id=document_id, source=f"{document_id}.md", content=content)


async def test_at_each_of_100_versions_exactly_its_text_is_found(running: Running) -> None:
    """A document updated 100 times and then deleted: an index at each version's offsets finds that version; the present one finds nothing."""
    settings, ends = running.settings, []
    async with open_journal(settings) as journal:
        for number in range(100):
            done = await submit_and_wait(settings, [a_version(number, "expedition")])
            assert len(done.indexed) == 1
            ends.append(dict(await journal.ends(CHUNKS)))
        deletion = DocumentDeleted(id="expedition:deleted", tenant="default", document_id="expedition")
        await journal.append(deletion, CONTEXT)
        await until_gone(running.one)
        shop = open_workshop(settings, journal, None)
        texts = []
        for end in ends:
            at = ",".join(f"{partition}:{offset}" for partition, offset in end.items())
            index = (await build(await origin_at(at, None, journal), shop)).index
            texts.append(await found(index, "zebras on the expedition journey"))
        now = (await build(await origin_at(None, None, journal), shop)).index

    assert [[number] for number in range(100)] == [[number for number in range(100) if f"number{number} " in text] for text in texts]
    assert "zebras" not in await found(now, "zebras on the expedition journey")


async def found(index: ChunkIndex, question: str) -> str:
    result = await search(Lookup("default", question), None, index=index, plan=Plan())
    return " ".join(chunk.text for chunk in result.chunks if chunk.document_id == "expedition")


async def until_gone(api: Api) -> None:
    async with asyncio.timeout(30):
        while (await api.http.get("/v1/documents/expedition")).json().get("status") not in ("deleted", "removed"):
            await asyncio.sleep(0.1)


async def test_replaying_to_the_same_offsets_gives_the_same_answers(running: Running) -> None:
    """200 questions, two builds: chunks, ranks, scores."""
    async with open_journal(running.settings) as journal:
        origin, shop = await origin_at(None, None, journal), open_workshop(running.settings, journal, None)
        one, other = [(await build(origin, shop)).index for _ in range(2)]

        results = [[(await search(Lookup("default", text), None, index=index, plan=Plan())).chunks for text in QUESTIONS] for index in (one, other)]

    assert 200 == len(QUESTIONS) == sum(bool(chunks) for chunks in results[0])
    assert results[0] == results[1]
    assert one.digest == other.digest


@pytest.mark.parametrize("turn", range(3))
async def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_one(running: Running, turn: int) -> None:
    """SIGKILL at a random moment; the next one makes what one in one go makes, under the next free number."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    before = await told(running.settings, "index", "status")
    process = await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", "infra", "index", "rebuild", env=environment(running.settings))
    await asyncio.sleep(random.Random(seed).uniform(0.3, 2.5))
    with suppress(ProcessLookupError):  # it may have been quicker
        process.kill()
    await process.wait()
    between = await told(running.settings, "index", "status")
    built = await told(running.settings, "index", "rebuild")
    async with open_journal(running.settings) as journal:
        whole = (await build(await origin_at(None, None, journal), open_workshop(running.settings, journal, None))).index

    assert len(between["generations"]) - len(before["generations"]) in (0, 1)
    assert (whole.digest, len(between["generations"]) + 1) == (built["digest"], built["generation"])


async def test_questions_are_answered_throughout_swaps(running: Running) -> None:
    """To a new generation, to a frozen one of before, back twice: each question ends in an answer, and each swap reaches the worker."""
    settings, stop = running.settings, asyncio.Event()
    first = await told(settings, "index", "rebuild")
    async with open_journal(settings) as journal:
        ends = await journal.ends(CHUNKS)
    frozen = await told(settings, "index", "rebuild", "--at", ",".join(f"{partition}:{end}" for partition, end in ends.items()))
    asking = asyncio.create_task(ask_until(running.one, stop))
    orders = (["swap", str(first["generation"])], ["swap", str(frozen["generation"])], ["rollback"], ["swap", "0"])
    swaps = [await told(settings, "index", *order) for order in orders]
    stop.set()
    answers = await asking

    assert [first["generation"], frozen["generation"], first["generation"], 0] == [one["generation"] for one in swaps]
    assert [["IndexGenerationServed"]] * 4 == [[report["type"] for report in one["reports"]] for one in swaps]
    assert len(answers) > 10
    assert {"AnswerCompleted"} == {answer["type"] for answer in answers}
    assert {0, first["generation"], frozen["generation"]} == await generations_that_answered(settings, {answer["query_id"] for answer in answers})


async def ask_until(api: Api, stop: asyncio.Event) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    while not stop.is_set():
        session = await api.session("lane")
        answers.append(await api.answer(session, await api.ask(session, QUESTIONS[len(answers) % len(QUESTIONS)])))
    return answers


async def generations_that_answered(settings: Settings, query_ids: set[str]) -> set[int]:
    async with open_journal(settings) as journal:
        return {past.found.index.generation for past in await past_questions(journal) if past.found.query_id in query_ids}


async def test_a_past_question_finds_the_same_at_its_own_position(running: Running) -> None:
    """Whatever was taken in since; against the present, what changed is shown, and with other settings what they change."""
    settings, api = running.settings, running.one
    assert len((await submit_and_wait(settings, [a_version(1, "voyage")])).indexed) == 1
    session = await api.session()
    accepted = await api.ask(session, "What was seen on the voyage journey with rain and fog?")
    answer = await api.answer(session, accepted)
    assert len((await submit_and_wait(settings, [a_version(2, "voyage")])).indexed) == 1

    same = await told(settings, "replay", "query", accepted["query_id"])
    live = await told(settings, "replay", "query", accepted["query_id"], "--against", "live")
    fewer = await told(settings, "replay", "query", accepted["query_id"], "--settings", "top_k=1,fusion=rrf")
    all_live = await told(settings, "replay", "all", "--against", "live")

    assert answer["type"] == "AnswerCompleted"
    assert (True, 1.0, 1.0, False, []) == tuple(
        same[name] for name in ("same", "overlap_at_10", "rank_correlation", "answer_changed", "citations_lost")
    )
    assert same["then"]["index"]["offsets"] == same["now"]["index"]["offsets"]
    assert (False, True) == (live["same"], any(row["text_changed"] for row in live["chunks"]))
    assert 1 == sum(row["rank_now"] is not None for row in fewer["chunks"])
    assert all_live["questions"] == all_live["compared"] + all_live["without_lookup"] + all_live["failed"]
    assert accepted["query_id"] in {line["query_id"] for line in all_live["lines"] if not line["same"]}


@pytest.mark.full
@pytest.mark.timeout(600)  # everything is embedded twice
async def test_with_an_embedding_model_too(running: Running) -> None:
    """200 questions, two builds from `documents` with vectors by MiniLM: chunks, ranks, scores."""
    settings = running.settings.model_copy(update={"embedder": "sentence-transformers:all-MiniLM-L6-v2"})
    embedder = await asyncio.to_thread(open_embedder, settings.embedder, settings.state_dir)
    assert embedder is not None
    async with open_journal(settings) as journal:
        origin, shop = await origin_at(None, "documents", journal), open_workshop(settings, journal, embedder)
        one, other = (await build(origin, shop)).index, (await build(origin, shop)).index
        vectors = await embedder.embed(QUESTIONS)

        results = [[await by_vector(index, text, row) for text, row in zip(QUESTIONS, vectors, strict=True)] for index in (one, other)]

    assert results[0] == results[1]
    assert all(chunks and chunks[0].scores.vector is not None for chunks in results[0])


async def by_vector(index: ChunkIndex, text: str, row: Vectors) -> tuple[RetrievedChunk, ...]:
    async def vector() -> Vectors:
        return row

    return (await search(Lookup("default", text), vector(), index=index, plan=Plan())).chunks


async def test_a_position_that_is_none_is_refused_in_a_sentence(running: Running) -> None:
    """Exit code 1 and a remedy; nothing is built."""
    for arguments in (
        ["index", "rebuild", "--at", "0:999999999"],
        ["index", "swap", "4711"],
        ["index", "drop", "4711"],
        ["index", "drop", "0"],
        ["replay", "query", "nobody"],
    ):
        ran = await command(running.settings, *arguments)
        assert (1, "") == (ran.exit_code, ran.stdout), arguments
        assert ran.stderr.startswith("roxy: "), ran.stderr
        assert "Traceback" not in ran.stderr


async def test_a_dropped_generation_is_built_again_for_a_swap(running: Running) -> None:
    """Its folder is gone, once; while it serves, or a rollback goes to it, it is not dropped."""
    settings = running.settings
    built = await told(settings, "index", "rebuild")
    number = str(built["generation"])
    dropped = await told(settings, "index", "drop", number)
    left = [Path(one["folder"]).name for one in (await told(settings, "index", "status"))["kept"]]
    again = await command(settings, "index", "drop", number)
    served = (await told(settings, "index", "swap", number))["reports"]
    serving = await command(settings, "index", "drop", number)
    await told(settings, "index", "rollback")
    before = await command(settings, "index", "drop", number)

    assert (built["generation"], True) == (dropped["generation"], dropped["freed_bytes"] > 0)
    assert f"generation-{number}" not in left
    assert {built["digest"]} == {report["digest"] for report in served}
    assert [1, 1, 1] == [ran.exit_code for ran in (again, serving, before)]
    assert "has no folder" in again.stderr
    assert "serves" in serving.stderr
    assert "rollback" in before.stderr


async def test_a_time_and_documents_lead_to_the_same_index(running: Running) -> None:
    """The documents as they were at a time, cut again, are the chunks of that time."""
    settings = running.settings
    assert len((await submit_and_wait(settings, [a_version(7, "tour")])).indexed) == 1
    await asyncio.sleep(0.01)
    moment = datetime.now(UTC).isoformat()
    await asyncio.sleep(0.01)
    assert len((await submit_and_wait(settings, [a_version(8, "tour")])).indexed) == 1

    chunks = await told(settings, "index", "rebuild", "--at", moment)
    documents = await told(settings, "index", "rebuild", "--at", moment, "--from", "documents")

    assert (chunks["digest"], chunks["live"], documents["live"]) == (documents["digest"], False, False)
    assert (0, True) == (documents["failed"], documents["documents"] > 0)


async def test_a_worker_starts_from_its_snapshot_and_the_tail(fleet: Fleet, running: Running) -> None:
    """Stopped, killed at a random moment between snapshots, and with the snapshot gone: the digest is that of a build from the log's start."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chosen, logs = random.Random(seed), []
    for number in range(4):
        worker = await fleet.worker(snapshot_s=0.2, partitions=running.settings.partitions)
        await submit_and_wait(running.settings, [a_version(number, f"restart{number}")])
        await asyncio.sleep(chosen.uniform(0.0, 1.5))
        await fleet.signal(worker, signal.SIGKILL if number % 2 else signal.SIGTERM)
        logs.append(await asyncio.to_thread(Path(worker.log).read_text))
    status = await told(fleet.settings, "index", "status")
    newest = max((one for one in status["kept"] if "snapshot-" in one["folder"]), key=lambda one: one["folder"])
    async with open_journal(fleet.settings) as journal:
        at = ",".join(f"{partition}:{offset}" for partition, offset in newest["offsets"].items())
        whole = (await build(await origin_at(at, None, journal), open_workshop(fleet.settings, journal, None))).index

    assert (whole.digest, whole.size) == (newest["digest"], newest["chunks"])
    assert "index loaded from its snapshot" in logs[1]


async def test_a_worker_that_starts_serves_the_generation_that_is_to_serve(fleet: Fleet, running: Running) -> None:
    """On another machine too: without the folder it is built out of the log, before the first question is taken."""
    built = await told(running.settings, "index", "rebuild")
    await told(running.settings, "index", "swap", str(built["generation"]))
    worker = await fleet.worker()
    async with open_journal(fleet.settings) as journal:
        workers = (await Generations.read(journal)).workers
    await told(running.settings, "index", "rollback")

    said = {word.digest for name, word in workers.items() if name.endswith(f":{worker.pid}")}  # type: ignore[union-attr]
    assert {built["digest"]} == said
