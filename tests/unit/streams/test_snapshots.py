"""Snapshots: an index out of a folder and the log's tail is the one out of the log alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from streams.chunk_index import ChunkIndex
from streams.snapshots import Snapshots, index_folder
from tests.unit.streams.corpus import a_deletion, a_document
from tests.unit.streams.logged import LONG, LoggedCorpus, a_logged_corpus, in_an_older_form


@pytest.fixture(params=[True, False], ids=["with vectors", "keywords only"])
async def corpus(request: pytest.FixtureRequest) -> AsyncIterator[LoggedCorpus]:
    async with a_logged_corpus(vectors=request.param) as corpus:
        yield corpus


def snapshots(corpus: LoggedCorpus, folder: Path, index: ChunkIndex | None = None, every_s: float = 1.0) -> Snapshots:
    return Snapshots(folder, index or corpus.index, corpus.journal, every_s=every_s)


async def restored(corpus: LoggedCorpus, folder: Path) -> ChunkIndex:
    index = corpus.fresh_index()
    await snapshots(corpus, folder, index).restore()
    return index


def folders(corpus: LoggedCorpus, folder: Path) -> list[Path]:
    return sorted(path for path in index_folder(folder, corpus.index.identity).iterdir() if path.name != ".lock")


async def test_a_restored_index_and_the_tail_are_the_index(corpus: LoggedCorpus, tmp_path: Path) -> None:
    """Same digest, same position, same hits as from the log's start, after changes and deletions behind the snapshot."""
    await snapshots(corpus, tmp_path).write()
    await corpus.take(a_document(LONG.replace("lag", "delay")))
    await corpus.take(a_deletion("cats"))
    index = await restored(corpus, tmp_path)
    loaded = index.size
    await corpus.catch_up(index)
    anew = await corpus.catch_up(corpus.fresh_index())

    assert loaded > 0
    assert (anew.digest, anew.position) == (index.digest, index.position)
    assert [hit.chunk_id for hit in await anew.sharing("default", "delay part 3", 1)] == ["default/lag#3"]
    assert [hit.chunk_id for hit in await index.sharing("default", "delay part 3", 1)] == ["default/lag#3"]
    assert await index.sharing("default", "radiators sun", 5) == []
    assert index.chunks_of("default", "lag") == anew.chunks_of("default", "lag")


async def test_of_an_unchanged_index_no_second_snapshot_is_written(corpus: LoggedCorpus, tmp_path: Path) -> None:
    """Workers on one machine share them. Of more than two the oldest goes."""
    for _ in range(2):
        await snapshots(corpus, tmp_path).write()
    first = folders(corpus, tmp_path)
    for number in range(3):
        await corpus.take(a_document("# New\n\nA page that was not there before.", document_id=f"new{number}"))
        await snapshots(corpus, tmp_path).write()

    assert (len(first), len(folders(corpus, tmp_path))) == (1, 2)
    assert first[0] not in folders(corpus, tmp_path)


async def test_workers_that_write_at_once_write_one(corpus: LoggedCorpus, tmp_path: Path) -> None:
    """None waits for another, and none spoils what another writes."""
    await asyncio.gather(*(snapshots(corpus, tmp_path).write() for _ in range(5)))

    assert len(folders(corpus, tmp_path)) == 1
    assert (await restored(corpus, tmp_path)).digest == corpus.index.digest


async def test_a_setting_turns_them_off(corpus: LoggedCorpus, tmp_path: Path) -> None:
    """Nothing is written, nothing read."""
    await snapshots(corpus, tmp_path, every_s=0).try_to_write()

    assert not index_folder(tmp_path, corpus.index.identity).exists()


def cut(folder: Path) -> None:
    file = folder / "chunks.jsonl.zst"
    file.write_bytes(file.read_bytes()[:-3])


def without_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def with_manifest(**changed: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "manifest.json"
        file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | changed))

    change.__name__ = f"another {next(iter(changed))}"
    return change


def turned_bit(folder: Path) -> None:
    """Of any file, at any place."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    file = chosen.choice([file for file in sorted(folder.iterdir()) if file.stat().st_size and file.name != "manifest.json"])
    content = bytearray(file.read_bytes())
    content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
    file.write_bytes(content)


DOUBTS = [
    cut,
    without_manifest,
    turned_bit,
    with_manifest(format=0),
    with_manifest(epoch="another topic of that name"),
    with_manifest(identity="another/kind/of index"),
    with_manifest(saved_as="usearch of another year"),
    with_manifest(offsets={"0": 10_000}),
    with_manifest(offsets={"7": 1}),
    with_manifest(digest="00"),
    with_manifest(chunks=1),
    with_manifest(written_ms=0),
    with_manifest(files={}),
]


@pytest.mark.parametrize("spoil", DOUBTS, ids=lambda spoil: spoil.__name__)
async def test_a_doubtful_one_is_thrown_away(corpus: LoggedCorpus, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """The index stays empty and is read from the log's start."""
    await snapshots(corpus, tmp_path).write()
    spoil(folders(corpus, tmp_path)[0])

    index = await restored(corpus, tmp_path)

    assert (0, {}, []) == (index.size, index.positions, folders(corpus, tmp_path))
    assert (await corpus.catch_up(index)).digest == corpus.index.digest


async def test_one_in_an_older_form_is_thrown_away(tmp_path: Path) -> None:
    """Of the same library, of the same index: the worker that comes after an upgrade reads the log's start, and does not end."""
    async with a_logged_corpus() as corpus:
        await snapshots(corpus, tmp_path).write()
        in_an_older_form(folders(corpus, tmp_path)[0])
        index = await restored(corpus, tmp_path)

        assert (0, []) == (index.size, folders(corpus, tmp_path))


async def test_behind_a_doubtful_one_the_one_before_is_tried(corpus: LoggedCorpus, tmp_path: Path) -> None:
    """It is why two are kept."""
    await snapshots(corpus, tmp_path).write()
    before = corpus.index.digest
    await corpus.take(a_deletion("cats"))
    await snapshots(corpus, tmp_path).write()
    cut(folders(corpus, tmp_path)[-1])

    assert (await restored(corpus, tmp_path)).digest == before


async def test_what_a_killed_worker_has_left_is_no_snapshot(corpus: LoggedCorpus, tmp_path: Path) -> None:
    """A folder that was not renamed is not looked at, and the next one who writes clears it away."""
    left = index_folder(tmp_path, corpus.index.identity) / ".snapshot-0000000000001-1.77"
    left.mkdir(parents=True)
    (left / "chunks.jsonl.zst").write_bytes(b"half a fi")
    index = await restored(corpus, tmp_path)
    await snapshots(corpus, tmp_path).write()

    assert (0, False) == (index.size, left.exists())


async def test_questions_are_answered_while_a_snapshot_is_written(corpus: LoggedCorpus, tmp_path: Path) -> None:
    """Only applying waits."""
    writing = asyncio.create_task(snapshots(corpus, tmp_path).write())
    answered = 0
    while not writing.done():
        answered += bool(await corpus.index.sharing("default", "cats", 3))
        await asyncio.sleep(0)

    assert answered > 0


async def test_a_snapshot_that_fails_stops_nobody(corpus: LoggedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, or a library that raises what it likes: it is logged, and nothing is left."""

    async def full(self: ChunkIndex, folder: Path) -> None:
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(ChunkIndex, "save_vectors", full)
    await snapshots(corpus, tmp_path).try_to_write()

    assert [] == folders(corpus, tmp_path)


async def test_what_cannot_be_loaded_is_not_met_again(corpus: LoggedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker ends, for its index holds nobody knows what; the next one reads the log."""
    await snapshots(corpus, tmp_path).write()

    async def fails(self: ChunkIndex, *arguments: object) -> None:
        raise RuntimeError("what a library raises")

    with monkeypatch.context() as patched:
        patched.setattr(ChunkIndex, "load", fails)
        with pytest.raises(RuntimeError):
            await restored(corpus, tmp_path)

    assert (await restored(corpus, tmp_path)).size == 0
