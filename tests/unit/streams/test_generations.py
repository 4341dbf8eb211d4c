"""Generations and their swaps: the fold, and a worker that follows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.journal.memory import MemoryJournal
from schemas.codec import Context, decode
from schemas.errors import InvalidInput, LogUnavailable, UnknownGeneration
from schemas.events import Event, IndexGenerationBuilt, IndexGenerationRefused, IndexGenerationServed, IndexGenerationSwapped
from schemas.record import Position
from schemas.topics import CHUNKS, DOCUMENTS, GENERATIONS, Topic
from streams.chunk_index import follow
from streams.generation_folder import drop_folder, generation_folder
from streams.generations import Generations
from streams.rebuild_index import Origin, build
from streams.serving import Serving, Swaps
from tests.builders import CONTEXT
from tests.unit.streams.corpus import SETTINGS, a_deletion, a_document
from tests.unit.streams.logged import LoggedCorpus, a_logged_corpus, in_an_older_form

_TIMEOUT_S = 20


def a_build(generation: int = 1, **fields: Any) -> IndexGenerationBuilt:
    identity = {"id": f"generation-{generation}", "generation": generation, "source": "chunks", "offsets": {"0": 1}, "live": False}
    return IndexGenerationBuilt(**identity | {"identity": "i", "epoch": "e", "chunks": 1, "digest": "d", "took_ms": 1.0} | fields)


def a_swap(generation: int, before: int) -> IndexGenerationSwapped:
    return IndexGenerationSwapped(id=f"swap-{generation}-{before}", generation=generation, before=before)


def folded(*events: Event) -> Generations:
    generations = Generations()
    for event in events:
        generations.fold(event)
    return generations


def test_the_last_swap_says_which_generation_serves_and_which_did_before() -> None:
    """Without one it is generation 0, and there is nothing to go back to."""
    assert (0, 1) == (folded().serving, folded().next)
    assert (2, 1, 3) == tuple(getattr(folded(a_build(1), a_build(2), a_swap(1, 0), a_swap(2, 1)), name) for name in ("serving", "before", "next"))
    with pytest.raises(UnknownGeneration):
        _ = folded(a_build(1)).before
    with pytest.raises(UnknownGeneration):
        folded(a_build(1)).require(2)


def test_of_two_builds_with_a_number_the_first_counts() -> None:
    """Two machines may have built at the same time: whoever swaps to it gets what the log says first."""
    assert "first" == folded(a_build(1, digest="first"), a_build(1, digest="second")).require(1).digest


@pytest.mark.parametrize("swaps", [(), (a_swap(1, 0),), (a_swap(1, 0), a_swap(2, 1)), (a_swap(1, 0), a_swap(0, 1))])
def test_a_generation_that_serves_or_that_a_rollback_goes_to_is_not_spare(swaps: tuple[IndexGenerationSwapped, ...]) -> None:
    """Nor is generation 0, which has no folder. Of all others there are builds."""
    generations = folded(a_build(1), a_build(2), a_build(3), *swaps)
    wanted = {0, generations.serving} | ({generations.before} if swaps else set())
    refused = set()
    for generation in range(4):
        try:
            assert generation == generations.require_spare(generation).generation
        except InvalidInput:
            refused.add(generation)

    assert wanted == refused
    with pytest.raises(UnknownGeneration):
        generations.require_spare(4)


def test_a_dropped_folder_is_gone_whole(tmp_path: Path) -> None:
    """How large it was is said; where there is none there is nothing to give back."""
    folder = generation_folder(tmp_path, "none/tantivy", 1)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(b"{}")
    (folder / "chunks.jsonl.zst").write_bytes(b"1234")

    assert (6, 0) == (drop_folder(folder), drop_folder(folder))
    assert [] == list(folder.parent.iterdir())


class Worker:
    """A worker's index, what follows its topics, and what it serves."""

    def __init__(self, corpus: LoggedCorpus, state_dir: Path, **workshop: Any) -> None:
        self.corpus, self.serving = corpus, Serving()
        self.swaps = Swaps(corpus.workshop(**workshop), state_dir, corpus.index, self.serving)

    async def swap(self, event: IndexGenerationBuilt | None, before: int = 0) -> IndexGenerationServed | IndexGenerationRefused:
        """Swap, and wait for the worker's word."""
        words = len(await self._words())
        if event:
            await self.corpus.journal.append(event, CONTEXT)
        await self.corpus.journal.append(a_swap(event.generation if event else 0, before), CONTEXT)
        async with asyncio.timeout(_TIMEOUT_S):
            while len(said := await self._words()) == words:
                await asyncio.sleep(0.01)
        return said[-1]

    async def _words(self) -> list[IndexGenerationServed | IndexGenerationRefused]:
        events = [decode(record) for record in self.corpus.journal.records(GENERATIONS)]
        return [event for event in events if isinstance(event, IndexGenerationServed | IndexGenerationRefused)]


@asynccontextmanager
async def a_worker(corpus: LoggedCorpus, state_dir: Path, **workshop: Any) -> AsyncIterator[Worker]:
    worker = Worker(corpus, state_dir, **workshop)
    tasks = [asyncio.create_task(worker.swaps.run()), asyncio.create_task(follow(corpus.journal, corpus.index))]
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await worker.swaps.settled.wait()
        yield worker
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def built_event(corpus: LoggedCorpus, origin: Origin, *, live: bool, settings: Any = None, **fields: Any) -> IndexGenerationBuilt:
    """What `roxy index rebuild` would write."""
    index = (await build(origin, corpus.workshop(settings))).index
    topic = CHUNKS if origin.source == "chunks" else DOCUMENTS
    return a_build(
        **{
            "source": origin.source,
            "offsets": {str(key): value for key, value in origin.chunks.items()},
            "document_offsets": {str(key): value for key, value in origin.documents.items()},
            "live": live,
            "identity": index.identity,
            "cutting": "same",
            "epoch": await corpus.journal.epoch(topic),
            "digest": index.digest,
        }
        | fields
    )


async def taken(corpus: LoggedCorpus, text: str, document_id: str = "lag") -> None:
    """A version, applied by whoever follows."""
    position = await corpus.journal.append(a_document(text, document_id=document_id), CONTEXT)
    done = await corpus.ingest(a_document(text, document_id=document_id), position.offset)
    await corpus.journal.append_all(done.chunks, CONTEXT)
    await corpus.journal.retract(CHUNKS, done.gone, CONTEXT)


async def test_a_frozen_generation_stays_as_it_is_and_is_swapped_back(tmp_path: Path) -> None:
    """The live index goes on: it is what ingestion asks, and what serves again at once."""
    async with a_logged_corpus() as corpus, a_worker(corpus, tmp_path) as worker:
        origin = await corpus.origin()
        served = await worker.swap(await built_event(corpus, origin, live=False))
        frozen = worker.serving.loaded
        assert frozen is not None
        digest = frozen.digest
        await taken(corpus, "# Lag\n\nA new text about the lag of a group.")
        await corpus.index.wait_for(await corpus.ends())
        back = await worker.swap(None, before=1)

    assert (1, 0) == (served.generation, back.generation)
    assert (digest, True) == (frozen.digest, corpus.index.digest != digest)
    assert worker.serving.loaded is None


@pytest.mark.parametrize("source", ["chunks", "documents"])
async def test_a_live_generation_follows(tmp_path: Path, source: str) -> None:
    """What is taken in from then on is in it, whatever it was built from."""
    async with a_logged_corpus() as corpus, a_worker(corpus, tmp_path) as worker:
        origin = await corpus.origin() if source == "chunks" else await corpus.documents()
        await worker.swap(await built_event(corpus, origin, live=True))
        generation = worker.serving.loaded
        assert generation is not None
        await taken(corpus, "# Lag\n\nA new text about the lag of a group.")
        await taken(corpus, "# New\n\nA page that was not there.", document_id="new")
        await corpus.journal.append(a_deletion("cats"), CONTEXT)
        await corpus.journal.retract(CHUNKS, list(corpus.index.chunks_of("default", "cats")), CONTEXT)
        async with asyncio.timeout(_TIMEOUT_S):
            await generation.wait_for(await corpus.ends())
            await corpus.index.wait_for(await corpus.ends())

        assert (corpus.index.digest, corpus.index.position.offsets) == (generation.digest, generation.position.offsets)
        assert (1, 0) == (generation.position.generation, corpus.index.position.generation)


async def test_a_generation_cut_otherwise_takes_changed_documents_over_whole(tmp_path: Path) -> None:
    """A document that nobody touched stays as the generation has it; a changed one is as `chunks` has it."""
    settings = SETTINGS.model_copy(update={"chunker": "whole", "chunk_tokens": 400})
    async with a_logged_corpus() as corpus, a_worker(corpus, tmp_path, settings=settings) as worker:
        await taken(corpus, corpus_text("other"), document_id="other")
        await corpus.index.wait_for(await corpus.ends())
        await worker.swap(await built_event(corpus, await corpus.documents(), live=True, settings=settings))
        generation = worker.serving.loaded
        assert generation is not None
        whole = {name: len(generation.chunks_of("default", name)) for name in ("lag", "other")}
        await taken(corpus, corpus_text("other changed"), document_id="other")
        async with asyncio.timeout(_TIMEOUT_S):
            await generation.wait_for(await corpus.ends())

        assert {"lag": 1, "other": 1} == whole
        assert 1 == len(generation.chunks_of("default", "lag"))
        assert generation.chunks_of("default", "other") == corpus.index.chunks_of("default", "other")
        assert len(generation.chunks_of("default", "other")) > 1


def corpus_text(word: str) -> str:
    return "# Parts\n\n" + "\n\n".join(f"## Part {number}\n\nThe {word} of part {number} is one of the things that are said." for number in range(6))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"identity": "another/embedder"}, "is of another/embedder"),
        ({"digest": "00"}, "comes out of the log as"),
        ({"epoch": "another"}, "was deleted since"),
        ({"live": True, "time": "2024-01-01T00:00:00.000Z"}, "may have been compacted away"),
    ],
)
async def test_a_generation_that_does_not_fit_is_refused(tmp_path: Path, wrong: dict[str, Any], reason: str) -> None:
    """The worker says why, and goes on with the one it has; the next swap is taken."""
    async with a_logged_corpus() as corpus, a_worker(corpus, tmp_path) as worker:
        refused = await worker.swap(await built_event(corpus, await corpus.origin(), **{"live": False} | wrong))
        still = worker.serving.generation
        served = await worker.swap(await built_event(corpus, await corpus.origin(), live=False, generation=2, id="generation-2"), before=1)

    assert isinstance(refused, IndexGenerationRefused)
    assert reason in refused.detail
    assert (0, 0, 2) == (refused.serves, still, served.generation)


async def test_a_worker_that_starts_loads_what_is_to_serve(tmp_path: Path) -> None:
    """From the folder that the first one has left; it is settled only then."""
    async with a_logged_corpus() as corpus:
        async with a_worker(corpus, tmp_path) as first:
            await first.swap(await built_event(corpus, await corpus.origin(), live=False))
        async with a_worker(corpus, tmp_path) as second:
            assert second.serving.generation == 1
            assert second.serving.loaded is not None
            assert second.serving.loaded.digest == corpus.index.digest


async def test_a_generation_kept_in_an_older_form_is_built_anew(tmp_path: Path) -> None:
    """Out of the log, and into its folder for the worker after."""
    async with a_logged_corpus() as corpus:
        event = await built_event(corpus, await corpus.origin(), live=False)
        folder = generation_folder(tmp_path, event.identity, event.generation)
        async with a_worker(corpus, tmp_path) as first:
            await first.swap(event)
        kept = (folder / "manifest.json").read_bytes()
        in_an_older_form(folder)
        async with a_worker(corpus, tmp_path) as second:
            said = orjson.loads((folder / "manifest.json").read_bytes())["saved_as"]

            assert (1, orjson.loads(kept)["saved_as"]) == (second.serving.generation, said)


async def test_a_generation_that_cannot_be_kept_serves_all_the_same(tmp_path: Path) -> None:
    """The disk is full, or another worker of this machine writes the folder: what was built out of the log is whole."""
    async with a_logged_corpus() as corpus:
        event = await built_event(corpus, await corpus.origin(), live=False)
        blocked = generation_folder(tmp_path, event.identity, event.generation)
        blocked.parent.parent.mkdir(parents=True)
        blocked.parent.write_bytes(b"no folder")
        async with a_worker(corpus, tmp_path) as worker:
            said = await worker.swap(event)

    assert ("IndexGenerationServed", 1) == (said.type, worker.serving.generation)


class DeafJournal(MemoryJournal):
    """It is away when a worker first tells what became of a swap."""

    away = 1

    async def append_all(self, events: Sequence[Event], context: Context) -> list[Position]:
        if self.away and isinstance(events[0], IndexGenerationServed | IndexGenerationRefused):
            self.away -= 1
            raise LogUnavailable
        return await super().append_all(events, context)


@pytest.mark.parametrize(("wrong", "said"), [({}, "IndexGenerationServed"), ({"digest": "00"}, "IndexGenerationRefused")])
async def test_what_became_of_a_swap_is_told_when_the_log_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], said: str
) -> None:
    """The generation serves by then, so no other look at the topic would tell it; `roxy index swap` waits for the word."""
    monkeypatch.setattr("streams.serving._RETRY_S", 0.01)
    async with DeafJournal() as journal:
        corpus = LoggedCorpus(journal)
        await corpus.take(a_document("# Lag\n\nThe lag of a group."))
        async with a_worker(corpus, tmp_path) as worker:
            word = await worker.swap(await built_event(corpus, await corpus.origin(), **{"live": False} | wrong))

    assert (said, 0) == (word.type, journal.away)


class ForgetfulJournal(MemoryJournal):
    """It is away at the one moment that a worker asks how far a new generation has to come."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    async def ends(self, topic: Topic) -> Mapping[int, int]:
        if self.away and topic is CHUNKS:
            self.away = False
            raise LogUnavailable("The log is away.")
        return await super().ends(topic)


async def test_a_swap_that_fails_on_its_way_leaves_nothing_that_follows(tmp_path: Path) -> None:
    """It is begun again, and of the two indexes only the one that serves is fed."""
    async with ForgetfulJournal() as journal:
        corpus = LoggedCorpus(journal)
        await corpus.take(a_document("# Lag\n\nThe lag of a group."))
        async with a_worker(corpus, tmp_path) as worker:
            event = await built_event(corpus, await corpus.origin(), live=True)
            journal.away = True
            await worker.swap(event)
            following = [task for task in asyncio.all_tasks() if task.get_name() == "generation-1"]

    assert (1, False) == (len(following), journal.away)
