"""Contract of the embedder port, over all-MiniLM-L6-v2 by itself and with what may stand in front of it; and how a vector lies in a record."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from connectors.embedder import open_embedder
from connectors.embedder.base import Embedder, Vectors
from connectors.embedder.batched import BatchedEmbedder
from connectors.embedder.cached import CachedEmbedder
from connectors.embedder.vectors import vector_from_text, vector_to_text
from schemas.errors import InvalidSetting

if TYPE_CHECKING:
    from connectors.embedder.sentence_transformers import SentenceTransformersEmbedder

LONG = "The broker keeps every record for seven days. " * 60  # more than twice what the model reads at once


@pytest.fixture(scope="module")
def model() -> SentenceTransformersEmbedder:
    from connectors.embedder.sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder("all-MiniLM-L6-v2")


@pytest.fixture(params=["model", "batched", "cached"])
def embedder(request: pytest.FixtureRequest, model: SentenceTransformersEmbedder, tmp_path: Path) -> Embedder:
    """The cache is empty at the beginning of each test."""
    if request.param == "model":
        return model
    batched = BatchedEmbedder(model, lanes=model.lanes)
    return batched if request.param == "batched" else CachedEmbedder(batched, tmp_path / "cache.sqlite")


@pytest.mark.full
async def test_rows_have_length_1_and_keep_the_order(embedder: Embedder) -> None:
    """One row a text, so that a dot product is the cosine; the nearest in meaning is nearest."""
    rows = await embedder.embed(["Consumers read records.", "Bananas are yellow.", "A consumer reads from a topic."])

    assert rows.shape == (3, embedder.dims)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0] @ rows[2] > rows[0] @ rows[1]


@pytest.mark.full
async def test_a_row_does_not_depend_on_its_batch(embedder: Embedder) -> None:
    """The same text gives the same row alone and among others, short and long."""
    texts = [LONG, "A short one.", "", "Another text of middling length, that is padded."] * 6
    together = await embedder.embed(texts)

    for text, row in zip(texts[:4], together[:4], strict=True):
        assert np.allclose((await embedder.embed([text]))[0], row, atol=1e-5)


@pytest.mark.full
async def test_the_end_of_a_long_text_is_in_its_vector(embedder: Embedder) -> None:
    """A text is read in windows: another end gives another vector, nearer to that end."""
    end = "Cats sleep on warm radiators in winter."
    plain, with_end, about_end = await embedder.embed([LONG, LONG + end * 5, end])

    assert with_end @ about_end > plain @ about_end + 0.1


@pytest.mark.full
async def test_a_question_does_not_wait_for_a_long_batch(embedder: Embedder) -> None:
    """It has a lane of its own: the question is done while the batch is still under way."""
    batch = asyncio.create_task(embedder.embed([LONG] * 40))
    await asyncio.sleep(0)
    await embedder.embed(["A question?"], question=True)
    answered_first = not batch.done()
    await batch

    assert answered_first


@pytest.mark.full
async def test_a_cancelled_call_is_not_computed_to_its_end(
    embedder: Embedder, model: SentenceTransformersEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one under way stops before its next slice, the one in the queue never begins: who comes after them does not wait for nobody."""
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    computed: list[str] = []

    class Slow(type(model)):  # type: ignore[misc]
        def _forward(self, windows: list[str]) -> Vectors:
            computed.append(windows[0][:5])
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(30)
            return super()._forward(windows)

    monkeypatch.setattr(model, "__class__", Slow)
    calls = [asyncio.create_task(embedder.embed([f"{number} " + "first " * 400 for number in range(100)])) for _ in range(model.lanes)]
    await begun.wait()
    calls.append(asyncio.create_task(embedder.embed(["queued " * 400] * 100)))
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    go_on.set()
    await embedder.embed(["third " * 400])

    assert "queue" not in computed
    assert len(computed) <= model.lanes + 1
    assert "third" == computed[-1]


@pytest.mark.full
async def test_no_text_gives_no_row(embedder: Embedder) -> None:
    """Shape (0, dims), so that it can be stacked."""
    assert (await embedder.embed([])).shape == (0, embedder.dims)


def test_none_opens_nothing_and_an_unknown_name_is_refused() -> None:
    """`none` is keyword search only."""
    assert open_embedder("none") is None
    with pytest.raises(InvalidSetting, match="nonsense"):
        open_embedder("nonsense")


def test_a_vector_survives_its_record() -> None:
    """float16, little-endian, base64: half a thousandth of a cosine is lost at most."""
    row = np.random.default_rng(0).standard_normal(384).astype(np.float32)
    row /= np.linalg.norm(row)
    back = vector_from_text(vector_to_text(row))

    assert back.dtype == np.float32
    assert abs(float(back @ row) - 1) < 0.0005
    assert vector_to_text(np.array([1.0, -2.0], dtype=np.float32)) == "ADwAwA=="
