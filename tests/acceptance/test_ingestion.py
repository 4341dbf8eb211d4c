"""Documents that are taken in, changed, taken away and broken, with two workers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import pytest

from infra.documents import submitted
from infra.ingest import Ingested, submit_and_wait
from schemas.events import DocumentSubmitted
from tests.acceptance.fleet import Api, Fleet

CHUNKING = {"chunk_tokens": 60, "chunk_overlap": 0, "chunk_min_tokens": 15}
MODEL = "sentence-transformers:all-MiniLM-L6-v2"
_PATIENCE_S = 120.0

T = TypeVar("T")


def book(sections: Iterable[str], name: str = "book") -> DocumentSubmitted:
    """A chapter of one chunk about each word."""
    text = "\n\n".join(f"## Of {word}\n\nThis chapter of the book tells of {word}, which grows wherever {word} is sown by hand." for word in sections)
    return submitted(f"{name}.md", f"# Book\n\n{text}".encode(), "text/markdown", source=f"{name}.md", tenant="default")


def words(count: int) -> list[str]:
    return [f"plant{number:03}" for number in range(count)]


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    """The first thing that is seen."""
    async with asyncio.timeout(_PATIENCE_S):
        while (seen := await look()) is None:
            await asyncio.sleep(0.05)
    return seen


async def status(api: Api, document_id: str = "book.md") -> dict[str, Any]:
    return dict((await api.http.get(f"/v1/documents/{document_id}")).json())


async def sources(api: Api, word: str, sessions: int = 16) -> list[set[str]]:
    """Which documents each of many sessions, on all partitions and so on both workers, is given for a word."""

    async def found() -> set[str]:
        session = await api.session("lane")
        await api.answer(session, await api.ask(session, f"What is told of {word}?"))
        (retrieved,) = [frame.event for frame in await api.history(session) if frame.type == "ChunksRetrieved"]
        return {chunk["document_id"] for chunk in retrieved["chunks"] if word in chunk["text"]}

    return await asyncio.gather(*(found() for _ in range(sessions)))


def figures(done: Ingested) -> tuple[int, int, int, int]:
    (indexed,) = done.indexed
    return indexed.chunks, indexed.kept + indexed.reused, indexed.embedded, indexed.removed


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("embedder", "workers"), [("none", 2), pytest.param(MODEL, 1, marks=pytest.mark.full)])
async def test_a_change_costs_what_changed_and_a_deletion_is_heard_of_everywhere(fleet: Fleet, embedder: str, workers: int) -> None:
    """40 chunks, one paragraph changed: one is embedded. Deleted, no worker finds anything of it any more."""
    for _ in range(workers):
        await fleet.worker(embedder=embedder, **CHUNKING)
    api = await fleet.api()
    plants = words(40)
    first = await submit_and_wait(fleet.settings, [book(plants)])
    changed = await submit_and_wait(fleet.settings, [book([*plants[:20], "blackberry", *plants[21:]])])
    again = await submit_and_wait(fleet.settings, [book([*plants[:20], "blackberry", *plants[21:]])])

    assert [(40, 0, 40, 0), (40, 39, 1, 0), (40, 40, 0, 0)] == [figures(done) for done in (first, changed, again)]

    async def everywhere(word: str, expected: set[str]) -> bool | None:
        return True if await sources(api, word) == [expected] * 16 else None

    await until(lambda: everywhere("blackberry", {"book.md"}))
    assert [set()] * 16 == await sources(api, plants[20])
    await api.http.delete("/v1/documents/book.md")

    async def removed() -> dict[str, Any] | None:
        now = await status(api)
        return now if now["status"] == "removed" else None

    assert 40 == (await until(removed))["removed"]
    await until(lambda: everywhere("blackberry", set()))
    assert [set()] * 16 == await sources(api, plants[0])


async def test_a_document_that_fails_stops_no_other(fleet: Fleet) -> None:
    """Between 20 that can be read lie two that cannot: each is told with its reason, the others are there."""
    await fleet.worker(**CHUNKING)
    api = await fleet.api()
    readable = [book([f"tree{number}"], f"tree{number}") for number in range(20)]
    broken = [submitted(f"broken{number}.pdf", b"%PDF-1.7 nonsense", "application/pdf", source="broken.pdf", tenant="default") for number in range(2)]
    done = await submit_and_wait(fleet.settings, [*readable[:7], broken[0], *readable[7:], broken[1]])

    assert (20, ["broken0.pdf", "broken1.pdf"], 0) == (len(done.indexed), sorted(one.document_id for one in done.failed), done.waiting)
    told = await status(api, "broken1.pdf")
    assert ("failed", "unreadable-document") == (told["status"], told["error"])
    assert [{"tree19.md"}] * 4 == await sources(api, "tree19", sessions=4)


@pytest.mark.full
@pytest.mark.timeout(300)
async def test_a_large_document_is_finished_by_the_next_worker(fleet: Fleet) -> None:
    """Its first one is killed in the middle, though a record may take only 5 s: what was done by then is kept, and told all the while."""
    limits = {**CHUNKING, "embedder": MODEL, "embedding_cache": False, "step_timeout_s": 5.0}
    first = await fleet.worker(**limits)
    api = await fleet.api()
    whole = asyncio.create_task(submit_and_wait(fleet.settings, [book(words(400))]))

    async def under_way() -> int | None:
        now = await status(api)
        return now["done"] if now.get("stage") == "embedding" else None

    done = await until(under_way)
    await fleet.signal(first, signal.SIGKILL)
    await fleet.worker(**limits)
    (indexed,) = (await whole).indexed

    async def told() -> bool | None:  # an API process hears of it a moment later than who reads the topic himself
        return (await status(api))["status"] == "indexed" or None

    assert indexed.chunks == 400
    assert await until(told)
    assert 0 < done <= indexed.kept
    assert 400 == indexed.kept + indexed.embedded
