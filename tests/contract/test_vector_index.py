"""Contract of the vector index port, over every backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from connectors.embedder.base import Vectors
from connectors.vector_index import open_vector_index
from connectors.vector_index.base import Saved, VectorIndex
from schemas.errors import InvalidSetting
from schemas.settings import Settings
from tests.contract.shared_indexes import an_empty_one

DIMS = 32


def rows(count: int, seed: int = 0) -> Vectors:
    made = np.random.default_rng(seed).standard_normal((count, DIMS)).astype(np.float32)
    normal: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return normal


def ids(count: int) -> list[str]:
    return [f"d#{number}" for number in range(count)]


@pytest.fixture(params=["usearch", pytest.param("weaviate", marks=pytest.mark.full)])
def backend(request: pytest.FixtureRequest) -> tuple[str, Settings | None]:
    return request.param, request.getfixturevalue("weaviate_server") if request.param == "weaviate" else None


@pytest.fixture
async def make(backend: tuple[str, Settings | None]) -> AsyncIterator[Callable[[], VectorIndex]]:
    """Opens an empty index."""
    name, server = backend
    async with AsyncExitStack() as stack:
        shared = an_empty_one(server, stack, DIMS) if server else None

        def opened() -> VectorIndex:
            index = open_vector_index(name, DIMS, shared)
            assert index is not None
            return index

        yield opened


async def test_the_nearest_come_first_with_their_cosine(make: Callable[[], VectorIndex]) -> None:
    """As comparing with every vector has it, up to rounding: those that are nearly as near may change places."""
    index, vectors = make(), rows(300)
    await index.upsert("a", ids(300), vectors)
    hits = await index.search("a", vectors[7], 10)
    cosines = dict(zip(ids(300), vectors @ vectors[7], strict=True))

    assert hits[0].chunk_id == "d#7"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert np.allclose([hit.score for hit in hits], [cosines[hit.chunk_id] for hit in hits], atol=0.01)
    assert np.allclose([hit.score for hit in hits], sorted(cosines.values(), reverse=True)[:10], atol=0.01)


@pytest.mark.parametrize("alone", [False, True])
async def test_of_many_vectors_nearly_all_nearest_are_found(make: Callable[[], VectorIndex], alone: bool) -> None:
    """Above the size for comparing with all, recall@10 stays above 0.9; also of what all cores have added."""
    index, vectors = make(), rows(6_000)
    await index.upsert("a", ids(6_000), vectors, alone=alone)
    recalls = []
    for question in rows(20, seed=1):
        true = {f"d#{place}" for place in np.argsort(-(vectors @ question))[:10]}
        recalls.append(len(true & {hit.chunk_id for hit in await index.search("a", question, 10)}) / 10)

    assert np.mean(recalls) > 0.9


async def test_an_upsert_replaces(make: Callable[[], VectorIndex]) -> None:
    """A known id has its last vector, once; also when it comes twice in one call."""
    index, vectors = make(), rows(5)
    await index.upsert("a", ids(3), vectors[:3])
    await index.upsert("a", ["d#1", "d#1"], vectors[3:])

    assert (await index.search("a", vectors[4], 10))[0].chunk_id == "d#1"
    assert sorted(hit.chunk_id for hit in await index.search("a", vectors[4], 10)) == ids(3)


async def test_what_was_removed_is_not_found(make: Callable[[], VectorIndex]) -> None:
    """Unknown ids are passed over; an id may come back."""
    index, vectors = make(), rows(100)
    await index.upsert("a", ids(100), vectors)
    await index.remove("a", [*ids(100)[:90], "unknown"])
    await index.remove("nobody", ["d#1"])
    left = sorted(hit.chunk_id for hit in await index.search("a", vectors[5], 100))
    await index.upsert("a", ["d#5"], vectors[5:6])

    assert left == ids(100)[90:]
    assert (await index.search("a", vectors[5], 1))[0].chunk_id == "d#5"


async def test_fetch_gives_the_vectors_back(make: Callable[[], VectorIndex]) -> None:
    """In the order asked for, up to rounding; an unknown id is a KeyError."""
    index, vectors = make(), rows(10)
    await index.upsert("a", ids(10), vectors)

    assert np.allclose(await index.fetch("a", ["d#4", "d#2"]), vectors[[4, 2]], atol=0.001)
    assert (await index.fetch("a", [])).shape == (0, DIMS)
    with pytest.raises(KeyError):
        await index.fetch("a", ["d#1", "unknown"])


async def test_tenants_do_not_see_each_other(make: Callable[[], VectorIndex]) -> None:
    """Not by search, not by removal, not under the same id."""
    index, vectors = make(), rows(2)
    await index.upsert("a", ["d#0"], vectors[:1])
    await index.upsert("b", ["d#0"], vectors[1:])
    await index.remove("b", ["d#0"])

    assert [hit.chunk_id for hit in await index.search("a", vectors[1], 5)] == ["d#0"]
    assert await index.search("b", vectors[1], 5) == []
    assert await index.search("c", vectors[1], 5) == []


@pytest.mark.parametrize("held_to", [1, 30, 2_500, 4_900])
async def test_only_chunks_that_are_admitted_are_found(make: Callable[[], VectorIndex], held_to: int) -> None:
    """The nearest of few, of many, of nearly all: as if there were no others. Unknown ids are passed over."""
    index, vectors = make(), rows(5_500)
    await index.upsert("a", ids(5_500), vectors)
    admitted = np.random.default_rng(held_to).choice(5_500, held_to, replace=False)
    recalls = []
    for question in rows(10, seed=2):
        hits = await index.search("a", question, 10, within={*(f"d#{place}" for place in admitted), "unknown"})
        true = [f"d#{place}" for place in admitted[np.argsort(-(vectors[admitted] @ question))[:10]]]
        assert len(hits) == len(true)
        recalls.append(len({hit.chunk_id for hit in hits} & set(true)) / len(true))

    assert np.mean(recalls) > 0.95


async def test_the_farthest_are_found_too_if_no_others_are_admitted(make: Callable[[], VectorIndex]) -> None:
    """A large set that the search would meet last, and one that is empty."""
    index, vectors = make(), rows(8_000)
    await index.upsert("a", ids(8_000), vectors)
    cosines = vectors @ vectors[0]
    farthest = np.argsort(cosines)[:2_500]
    hits = await index.search("a", vectors[0], 5, within={f"d#{place}" for place in farthest})

    assert {hit.chunk_id for hit in hits} <= {f"d#{place}" for place in farthest}
    assert np.allclose([hit.score for hit in hits], cosines[farthest[::-1][:5]], atol=0.01)
    assert await index.search("a", vectors[0], 5, within=set()) == []


async def test_more_than_there_are_is_all_of_them(make: Callable[[], VectorIndex]) -> None:
    """And none, where none are asked for."""
    index = make()
    await index.upsert("a", ids(7), rows(7))

    assert sorted(hit.chunk_id for hit in await index.search("a", rows(1)[0], 200)) == ids(7)
    assert await index.search("a", rows(1)[0], 0) == []


async def test_an_id_may_be_any_text(make: Callable[[], VectorIndex]) -> None:
    """Of any script, with blanks and quotation marks."""
    names = ["a/naïve café#0", 'a/"quoted" name\\#1', "a/日本語#2", "a/🙂 x' OR 1=1#3", "a/A#4", "a/a#4"]
    index, vectors = make(), rows(6)
    await index.upsert("a", names, vectors)
    await index.remove("a", [names[1]])

    assert [(await index.search("a", vector, 1))[0].chunk_id for vector in vectors[[0, 2, 3, 4, 5]]] == [names[0], *names[2:]]
    assert sorted(hit.chunk_id for hit in await index.search("a", vectors[0], 9, within=names[:3])) == sorted([names[0], names[2]])


async def test_a_search_is_answered_while_an_upsert_runs(make: Callable[[], VectorIndex]) -> None:
    """A bulk upsert does not hold up questions until its end."""
    index, vectors = make(), rows(3_000)
    await index.upsert("a", ["first"], vectors[:1])
    upsert = asyncio.create_task(index.upsert("a", ids(3_000), vectors))
    await asyncio.sleep(0)
    hits = await index.search("a", vectors[0], 1)
    answered_first = not upsert.done()
    await upsert

    assert answered_first
    assert len(hits) == 1


def test_none_opens_nothing_and_an_unknown_name_is_refused() -> None:
    """`none` is keyword search only."""
    assert open_vector_index("none", DIMS) is None
    with pytest.raises(InvalidSetting, match="nonsense"):
        open_vector_index("nonsense", DIMS)


@pytest.fixture(params=["usearch"])
def in_process(request: pytest.FixtureRequest) -> Callable[[], VectorIndex]:
    """Opens an empty index of a kind that lies in this process."""

    def opened() -> VectorIndex:
        index = open_vector_index(request.param, DIMS)
        assert index is not None
        return index

    return opened


async def test_what_was_saved_and_loaded_answers_the_same(in_process: Callable[[], VectorIndex], tmp_path: Path) -> None:
    """Also after removals, above the size for comparing with all, and it can be written to from then on."""
    index, loaded, vectors = in_process(), in_process(), rows(6_000)
    assert isinstance(index, Saved)
    assert isinstance(loaded, Saved)
    await index.upsert("a", ids(6_000), vectors)
    await index.remove("a", ids(500))
    await index.upsert("b", ids(3), vectors[:3])
    await index.save(tmp_path)
    await loaded.load(tmp_path)
    for question in rows(20, seed=1):
        assert await index.search("a", question, 50) == await loaded.search("a", question, 50)
    await loaded.upsert("a", ids(2), vectors[:2])

    assert [hit.chunk_id for hit in await loaded.search("a", vectors[1], 1)] == ["d#1"]
    assert len(await loaded.search("b", vectors[0], 10)) == 3


async def test_the_same_vectors_in_the_same_order_make_the_same_index(in_process: Callable[[], VectorIndex]) -> None:
    """Above the size for comparing with all, and however they were batched: so that a replay finds what the first run found."""
    one, other, vectors = in_process(), in_process(), rows(6_000)
    await one.upsert("a", ids(6_000), vectors)
    for start in range(0, 6_000, 700):
        await other.upsert("a", ids(6_000)[start : start + 700], vectors[start : start + 700])

    for question in rows(20, seed=1):
        assert await one.search("a", question, 200) == await other.search("a", question, 200)


async def test_equal_ones_come_in_order_of_their_ids(in_process: Callable[[], VectorIndex]) -> None:
    """Not in that of their coming."""
    index, vectors = in_process(), rows(1)
    for chunk_id in ("c", "a", "b"):
        await index.upsert("a", [chunk_id], vectors)

    assert [hit.chunk_id for hit in await index.search("a", vectors[0], 3)] == ["a", "b", "c"]
