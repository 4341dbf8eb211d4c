"""Rebuild: an index out of the log is a function of the offsets alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from connectors.journal.memory import MemoryFollower
from schemas.errors import GenerationDiffers
from schemas.events import IndexGenerationBuilt, RetrievedChunk
from schemas.settings import Settings
from streams.chunk_change import Change
from streams.chunk_index import ChunkIndex
from streams.rebuild_index import Origin, build, verify
from streams.search.lookup import Lookup
from streams.search.search import search
from tests.builders import CONTEXT
from tests.unit.streams.corpus import PLAN, SETTINGS, WordEmbedder, a_deletion, a_document
from tests.unit.streams.logged import LoggedCorpus, a_logged_corpus

QUESTIONS = [f"the lag of part {number} {word}" for number in range(8) for word in ("cats", "sleep", "is one of the things")]


@pytest.fixture(params=[True, False], ids=["with vectors", "keywords only"])
async def corpus(request: pytest.FixtureRequest) -> AsyncIterator[LoggedCorpus]:
    async with a_logged_corpus(vectors=request.param) as corpus:
        yield corpus


async def answers(corpus: LoggedCorpus, index: ChunkIndex) -> list[tuple[RetrievedChunk, ...]]:
    """Chunks, ranks and scores."""
    found = []
    for question in QUESTIONS:
        vector = _embedded(corpus, question) if corpus.embedder else None
        found.append((await search(Lookup("default", question), vector, index=index, plan=PLAN)).chunks)
    return found


async def _embedded(corpus: LoggedCorpus, question: str):  # type: ignore[no-untyped-def]
    assert corpus.embedder is not None
    return (await corpus.embedder.embed([question]))[0]


async def test_a_rebuilt_index_holds_what_the_live_one_does(corpus: LoggedCorpus) -> None:
    """Same chunks, same digest, same position; and it is verified."""
    built = await build(await corpus.origin(), corpus.workshop())
    await verify(built)

    assert (corpus.index.size, corpus.index.digest, corpus.index.position) == (built.index.size, built.index.digest, built.index.position)


async def test_the_same_offsets_give_the_same_answers_however_the_log_comes(corpus: LoggedCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks, ranks and scores, when records come in other batches."""
    first = (await build(await corpus.origin(), corpus.workshop())).index
    read = MemoryFollower.read

    async def one_by_one(self: MemoryFollower, timeout_s: float):  # type: ignore[no-untyped-def]
        records = await read(self, timeout_s)
        self._next -= max(len(records) - 1, 0)
        return records[:1]

    monkeypatch.setattr(MemoryFollower, "read", one_by_one)
    again = (await build(await corpus.origin(), corpus.workshop())).index

    assert await answers(corpus, first) == await answers(corpus, again)


@pytest.mark.parametrize("turn", range(5))
async def test_a_build_that_was_killed_leaves_nothing_behind(corpus: LoggedCorpus, monkeypatch: pytest.MonkeyPatch, turn: int) -> None:
    """Stopped after a part at random, and begun again: the same answers as from a build in one go."""
    seed = random.randrange(2**32) + turn
    print(f"seed {seed}")
    monkeypatch.setattr("streams.rebuild_index._PART", 2)
    whole = (await build(await corpus.origin(), corpus.workshop())).index
    building = asyncio.create_task(build(await corpus.origin(), corpus.workshop()))
    for _ in range(random.Random(seed).randrange(60)):
        await asyncio.sleep(0)
    building.cancel()
    await asyncio.gather(building, return_exceptions=True)
    again = (await build(await corpus.origin(), corpus.workshop())).index

    assert (whole.digest, await answers(corpus, whole)) == (again.digest, await answers(corpus, again))


async def test_at_each_version_exactly_its_text_is_there() -> None:
    """A document that was updated 100 times and then deleted."""
    async with a_logged_corpus() as corpus:
        ends = []
        for number in range(100):
            await corpus.take(a_document(f"# Diary\n\nOn day number{number} there was nothing but rain and fog.", document_id="diary"))
            ends.append((await corpus.ends())[0])
        await corpus.take(a_deletion("diary"))
        for number, end in enumerate(ends):
            index = (await build(await corpus.origin(end), corpus.workshop())).index
            texts = [chunk.text for chunk in index.chunks_of("default", "diary").values()]
            assert [f"number{number} " in text for text in texts] == [True]
        now = (await build(await corpus.origin(), corpus.workshop())).index

        assert [] == await now.sharing("default", "diary rain fog", 10)
        assert {} == now.chunks_of("default", "diary")


async def test_documents_make_the_index_that_chunks_make(corpus: LoggedCorpus) -> None:
    """With the same settings: every vector is taken from `chunks`, and not one text embedded."""
    if isinstance(corpus.embedder, WordEmbedder):
        corpus.embedder.texts.clear()
    built = await build(await corpus.documents(), corpus.workshop())
    await verify(built)

    assert (corpus.index.digest, built.documents, built.failed) == (built.index.digest, 3, 0)
    assert not (isinstance(corpus.embedder, WordEmbedder) and corpus.embedder.texts)


async def test_a_changed_chunker_is_rolled_out_from_documents(corpus: LoggedCorpus) -> None:
    """The long document is one piece now; a page of one piece is as it was."""
    settings: Settings = SETTINGS.model_copy(update={"chunker": "whole", "chunk_tokens": 400})
    built = await build(await corpus.documents(), corpus.workshop(settings))
    await verify(built)

    assert (8, 1) == tuple(len(index.chunks_of("default", "lag")) for index in (corpus.index, built.index))
    assert ["Cats sleep in the sun"] == [chunk.text[8:29] for chunk in built.index.chunks_of("default", "cats").values()]


async def test_documents_that_were_deleted_or_cannot_be_read_are_left_out(corpus: LoggedCorpus) -> None:
    """Counted where they could not be read."""
    await corpus.take(a_deletion("cats"))
    broken = a_document("", document_id="broken").model_copy(update={"content": "no base64!", "encoding": "base64"})
    await corpus.journal.append(broken, CONTEXT)
    built = await build(await corpus.documents(), corpus.workshop())

    assert (2, 1) == (built.documents, built.failed)
    assert {} == built.index.chunks_of("default", "cats")


async def test_an_index_that_lacks_a_chunk_is_not_verified(corpus: LoggedCorpus) -> None:
    """It says how many there are and how many there should be."""
    built = await build(await corpus.origin(), corpus.workshop())
    await built.index.take("default", {"default/cats#0": Change(None, None)})

    with pytest.raises(GenerationDiffers, match="holds 9 chunks"):
        await verify(built)


async def test_what_a_generation_was_made_of_stands_in_its_event() -> None:
    """So that anybody can build it again."""
    event = IndexGenerationBuilt(
        id="g", generation=1, source="documents", offsets={"0": 3, "1": 4}, document_offsets={"0": 1}, live=False, identity="i", epoch="e",
        chunks=1, digest="d", took_ms=1,
    )  # fmt: skip

    assert Origin.of(event) == Origin("documents", {0: 3, 1: 4}, {0: 1})
