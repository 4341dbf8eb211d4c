"""Contract of the shared index port, over its one backend, on a real Weaviate."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import numpy as np
import pytest

from connectors.embedder.base import Vectors
from connectors.keyword_index.base import Entry
from connectors.shared_index import open_shared_index
from connectors.shared_index.base import SharedChange
from connectors.weaviate.chunks import WeaviateChunks
from schemas.errors import IndexRefused, IndexUnavailable, InvalidInput
from schemas.settings import Settings
from tests.contract.shared_indexes import an_empty_one

pytestmark = pytest.mark.full
DIMS = 8


@pytest.fixture
async def shared(weaviate_server: Settings) -> AsyncIterator[WeaviateChunks]:
    async with AsyncExitStack() as stack:
        yield an_empty_one(weaviate_server, stack, DIMS)


def direction(number: int) -> Vectors:
    row: Vectors = np.eye(DIMS, dtype=np.float32)[number]
    return row


def coming(name: str, text: str, offset: int, place: int | None = 0) -> SharedChange:
    vector = None if place is None else direction(place)
    return SharedChange(name, offset, Entry(name, "Title", "Heading", text), vector)


async def found(shared: WeaviateChunks, question: str, tenant: str = "a") -> list[str]:
    return [hit.chunk_id for hit in await shared.sharing(tenant, question, 10, "", None)]


async def test_what_was_applied_is_found_by_both_sides(shared: WeaviateChunks) -> None:
    """As soon as it is applied; a chunk without a vector by its words only."""
    generation = await shared.serving()
    await shared.apply(generation, "a", [coming("a/d#0", "Partitions lag.", 1, 3), coming("a/d#1", "Cats lag too.", 2, None)])

    assert sorted(await found(shared, "lagging")) == ["a/d#0", "a/d#1"]
    assert [hit.chunk_id for hit in await shared.near("a", direction(3), 5, None)] == ["a/d#0"]
    assert await shared.count(generation, "a") == 2
    assert (await found(shared, "lag", "b"), await shared.count(generation, "b")) == ([], 0)


async def test_an_older_change_gives_way(shared: WeaviateChunks) -> None:
    """Applying twice changes nothing, and what a paused writer brings late neither comes back nor takes away."""
    generation = await shared.serving()
    await shared.apply(generation, "a", [coming("a/d#0", "apples", 7)])
    await shared.apply(generation, "a", [coming("a/d#0", "bananas", 5)])
    await shared.apply(generation, "a", [SharedChange("a/d#0", 6, None, None)])
    await shared.apply(generation, "a", [coming("a/d#0", "apples", 7)])
    kept = await found(shared, "apples bananas"), await found(shared, "bananas")
    await shared.apply(generation, "a", [SharedChange("a/d#0", 8, None, None), SharedChange("a/unknown#0", 9, None, None)])

    assert kept == (["a/d#0"], [])
    assert await found(shared, "apples") == []


async def test_what_is_refused_is_named_and_the_rest_is_written(shared: WeaviateChunks) -> None:
    """A vector of another length than those before."""
    generation = await shared.serving()
    await shared.apply(generation, "a", [coming("a/d#0", "first", 1)])
    wrong = coming("a/d#1", "second", 2)._replace(vector=np.ones(3, dtype=np.float32))
    with pytest.raises(IndexRefused) as refused:
        await shared.apply(generation, "a", [wrong, coming("a/d#2", "third", 3)])

    assert refused.value.chunk_ids == {"a/d#1"}
    assert await found(shared, "first second third") == ["a/d#0", "a/d#2"]


async def test_several_who_begin_at_once_agree_on_one_generation(weaviate_server: Settings) -> None:
    """Only one of those that they made is left."""
    async with AsyncExitStack() as stack:
        embedder = f"test-{uuid.uuid4().hex}"
        several = [an_empty_one(weaviate_server, stack, DIMS, embedder=embedder) for _ in range(4)]
        serving = await asyncio.gather(*(one.serving() for one in several))

        assert len(set(serving)) == 1
        assert list(await several[0].generations()) == [serving[0]]


async def test_a_swap_takes_no_search_offline(shared: WeaviateChunks) -> None:
    """Each search sees one generation or the other; the one before stays until it is dropped, the one that serves is not dropped."""
    old = await shared.serving()
    await shared.apply(old, "a", [coming("a/d#0", "old lag", 1)])
    new = await shared.begin()
    await shared.apply(new, "a", [coming("a/d#1", "new lag", 1)])
    seen: list[list[str]] = []

    async def ask() -> None:
        while not seen or seen[-1] != ["a/d#1"]:
            seen.append(await found(shared, "lag"))

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0.1)
    await shared.swap(new)
    async with asyncio.timeout(20):
        await asking
    with pytest.raises(InvalidInput, match=new):
        await shared.drop(new)
    await shared.drop(old)

    assert {tuple(hits) for hits in seen} == {("a/d#0",), ("a/d#1",)}
    assert (await shared.serving(), list(await shared.generations())) == (new, [new])


async def test_hybrid_gives_both_sides_their_scores(shared: WeaviateChunks) -> None:
    """The cosine and BM25 of each as the sides alone have them, None where one did not find it; the weight decides who leads."""
    generation = await shared.serving()
    await shared.apply(
        generation, "a", [coming("a/d#0", "lag lag lag", 1, 1), coming("a/d#1", "cats", 2, 2), coming("a/d#2", "lag of cats and dogs", 3, 4)]
    )
    words = {hit.chunk_id: hit.score for hit in await shared.sharing("a", "lag", 10, "", None)}
    cosines = {hit.chunk_id: hit.score for hit in await shared.near("a", direction(2), 10, None)}
    by_words = await shared.hybrid("a", "lag", direction(2), 10, 0.9)
    by_vector = await shared.hybrid("a", "lag", direction(2), 10, 0.1)
    only = await shared.hybrid("a", "lag", direction(2), 10, 0.5, {"a/d#2"})

    assert (by_words[0].chunk_id, by_vector[0].chunk_id) == ("a/d#0", "a/d#1")
    assert {hit.chunk_id: hit.keyword for hit in by_words} == {
        "a/d#1": None,
        **{name: pytest.approx(score, abs=1e-3) for name, score in words.items()},
    }
    assert {hit.chunk_id: hit.vector for hit in by_words} == {name: pytest.approx(score, abs=1e-3) for name, score in cosines.items()}
    assert [hit.chunk_id for hit in only] == ["a/d#2"]


async def test_a_server_that_is_not_there_is_unavailable_in_time(weaviate_server: Settings) -> None:
    """Neither opening nor closing waits for it, and a search gives up."""
    away = weaviate_server.model_copy(
        update={"weaviate_url": "http://127.0.0.1:9", "weaviate_grpc_port": 10, "search_timeout_s": 0.5, "vector_index": "weaviate"}
    )
    shared = open_shared_index(away, embedder="none", dims=None)
    assert shared is not None
    with pytest.raises(IndexUnavailable):
        await shared.near("a", direction(0), 3, None)
    await shared.close()
