"""The embedding cache: what was computed once is not computed again, and without its file everything goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from connectors.embedder import cached as cached_module
from connectors.embedder.cached import CachedEmbedder
from connectors.embedder.kept_vectors import as_kept
from tests.unit.streams.corpus import WordEmbedder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "cache.sqlite"


@pytest.fixture
async def filled(file: Path) -> CachedEmbedder:
    """Holds `one` and `two`."""
    embedder = CachedEmbedder(WordEmbedder(), file)
    await embedder.embed(["one", "two"])
    await embedder.kept()
    return embedder


def folder(file: Path) -> Path:
    """The file's folder, made."""
    file.parent.mkdir(parents=True)
    return file.parent


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(f"roxy_embedding_cache_{name}_total") or 0.0


async def test_a_text_is_computed_once_for_all_processes(filled: CachedEmbedder, file: Path) -> None:
    """Another embedder over the same file finds it, and gives exactly the same row."""
    model = WordEmbedder()
    other = CachedEmbedder(model, file)

    assert [True, False, True] == await other.known(["two", "three", "one"])
    assert np.array_equal(await filled.embed(["one", "two"]), await other.embed(["one", "two"]))
    assert [] == model.texts


async def test_a_row_is_the_same_the_first_time_and_later(file: Path) -> None:
    """Else a question that is asked again might find its chunks in another order."""
    embedder = CachedEmbedder(WordEmbedder(), file)
    first = await embedder.embed(["one two three two"])
    await embedder.kept()

    assert np.array_equal(first, await embedder.embed(["one two three two"]))


@given(arrays(np.float32, (3, 8), elements=st.floats(-1, 1, width=32)).filter(lambda rows: bool((np.abs(rows).sum(axis=1) > 0.1).all())))
def test_what_is_kept_stays_as_it_is(rows: np.ndarray) -> None:
    """Of length 1, near what was computed, and the same when it is taken out again."""
    normal = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    kept = as_kept(normal)

    assert np.allclose(np.linalg.norm(kept, axis=1), 1)
    assert np.allclose(kept, normal, atol=1e-3)
    assert np.array_equal(kept, as_kept(normal.astype("<f2").astype(np.float32)))


async def test_only_what_is_missing_is_computed_and_a_double_once(filled: CachedEmbedder) -> None:
    """Rows come in the order asked for; hits and misses are counted."""
    hits, misses = counted("hits"), counted("misses")
    rows = await filled.embed(["three", "one", "three"])
    model: WordEmbedder = filled._inner  # type: ignore[assignment]

    assert ["one", "two", "three"] == model.texts
    assert np.array_equal(rows[0], rows[2])
    assert (1, 1) == (counted("hits") - hits, counted("misses") - misses)


async def test_another_model_has_its_own_rows(filled: CachedEmbedder, file: Path) -> None:
    """The name is part of the key."""
    assert [False] == await CachedEmbedder(WordEmbedder("another"), file).known(["one"])


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b""])
async def test_a_damaged_file_is_done_without(file: Path, damage: bytes) -> None:
    """Rows are computed each time; it is said once. An empty file is a new database."""
    folder(file).joinpath(file.name).write_bytes(damage)
    model = WordEmbedder()
    with capture_logs() as logs:
        embedder = CachedEmbedder(model, file)
        for _ in range(2):
            await embedder.embed(["one"])
            await embedder.kept()

    assert (["one", "one"] if damage else ["one"]) == model.texts
    assert (2 if damage else 0) == len([line for line in logs if line["log_level"] == "warning"])  # one for reading, one for writing


async def test_a_damaged_row_is_computed_again(filled: CachedEmbedder, file: Path) -> None:
    """And put right."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE vectors SET row = x'00'")
    await filled.embed(["one"])
    await filled.kept()

    assert [True, False] == await filled.known(["one", "two"])


async def test_a_locked_file_is_done_without_until_it_is_free(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it longer than said; afterwards it is used again, and that is said too."""
    for name, seconds in {"_AWAY_S": 0.0, "_READ_WAIT_S": 0.01, "_WRITE_WAIT_S": 0.01}.items():
        monkeypatch.setattr(cached_module, name, seconds)
    folder(file)
    with closing(sqlite3.connect(file)) as other, capture_logs() as logs:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("CREATE TABLE of_another (a)")
        embedder = CachedEmbedder(WordEmbedder(), file)
        await embedder.embed(["one"])
        await embedder.kept()
        other.close()
        await embedder.embed(["two"])
        await embedder.kept()

    assert ["warning", "warning", "info", "info"] == [line["log_level"] for line in logs]  # one for reading, one for writing
    assert [False, True] == await embedder.known(["one", "two"])


async def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path) -> None:
    """As on a disk that is mounted read-only."""
    (tmp_path / "file").write_text("not a folder")
    model = WordEmbedder()
    rows = await CachedEmbedder(model, tmp_path / "file" / "cache.sqlite").embed(["one"])

    assert ((1, model.dims), ["one"]) == (rows.shape, model.texts)


async def test_many_tasks_share_a_file(file: Path) -> None:
    """Two embedders that read and write the same texts at the same time: each gets its rows."""
    one, other = CachedEmbedder(WordEmbedder(), file), CachedEmbedder(WordEmbedder(), file)
    texts = [f"text {number}" for number in range(40)]
    rows = await asyncio.gather(*(embedder.embed(texts[first:]) for first in range(0, 40, 4) for embedder in (one, other)))
    await one.kept()
    await other.kept()
    expected = as_kept(await WordEmbedder().embed(texts))

    assert [True] * 20 == [np.array_equal(part, expected[place // 2 * 4 :]) for place, part in enumerate(rows)]
