"""Texts of all who wait become full batches of alike length; nobody waits for nobody, and a failure stays with whom it concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.embedder.base import Vectors
from connectors.embedder.batched import BatchedEmbedder
from schemas.errors import ModelUnavailable

POISON = "poison"


class GatedEmbedder:
    """A row says how long its text is. Remembers its batches, and computes none before the gate is open."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.name, self.dims = "gated", 1
        self.batches: list[list[str]] = []
        self.questions: list[str] = []
        self.cancelled = 0
        self.gate = asyncio.Event()
        if is_open:
            self.gate.set()

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        return [False] * len(texts)

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        if question:
            self.questions += texts
            return self._rows(texts)
        self.batches.append(list(texts))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if POISON in texts:
            raise ModelUnavailable("poisoned")
        return self._rows(texts)

    @staticmethod
    def _rows(texts: Sequence[str]) -> Vectors:
        return np.array([[len(text)] for text in texts], dtype=np.float32).reshape(len(texts), 1)


async def begun(inner: GatedEmbedder) -> None:
    """Return once a batch is under way."""
    while not inner.batches:
        await asyncio.sleep(0)


@given(st.lists(st.lists(st.text(max_size=30), max_size=50), max_size=8), st.integers(1, 4))
def test_each_call_gets_its_rows_in_order(calls: list[list[str]], lanes: int) -> None:
    """Whatever it was batched with."""

    async def embedded() -> list[Vectors]:
        batched = BatchedEmbedder(GatedEmbedder(), lanes=lanes)
        return await asyncio.gather(*(batched.embed(texts) for texts in calls))

    assert [[[len(text)] for text in texts] for texts in calls] == [rows.tolist() for rows in asyncio.run(embedded())]


async def test_texts_of_many_calls_fill_batches_of_alike_length() -> None:
    """64 calls of one short and one long text: each batch is full, and holds either."""
    inner = GatedEmbedder()
    batched = BatchedEmbedder(inner, lanes=2)
    await asyncio.gather(*(batched.embed(["short", "long " * 100]) for _ in range(64)))

    assert [(8, 1)] * 16 == [(len(batch), len({len(text) for text in batch})) for batch in inner.batches]


async def test_a_small_call_comes_before_the_end_of_a_huge_one() -> None:
    """It takes its turn in the next round."""
    inner = GatedEmbedder()
    batched = BatchedEmbedder(inner, lanes=2)
    huge = asyncio.create_task(batched.embed([f"huge {number}" for number in range(3_000)]))
    await asyncio.sleep(0)
    await batched.embed(["small"])
    so_far = sum(map(len, inner.batches))
    await huge

    assert so_far < 400


async def test_a_question_passes_all_that_waits() -> None:
    """It goes to the embedder's own lane for questions, while every other lane is busy."""
    inner = GatedEmbedder(is_open=False)
    batched = BatchedEmbedder(inner, lanes=1)
    waiting = asyncio.create_task(batched.embed(["text"] * 100))
    await begun(inner)
    row = await batched.embed(["why?"], question=True)
    inner.gate.set()
    await waiting

    assert (["why?"], [[4.0]]) == (inner.questions, row.tolist())


async def test_few_texts_are_shared_out_among_the_lanes() -> None:
    """So that no core is idle."""
    inner = GatedEmbedder()
    await BatchedEmbedder(inner, lanes=4).embed(["one", "two", "three", "four"])

    assert [1, 1, 1, 1] == [len(batch) for batch in inner.batches]


async def test_a_text_that_the_model_cannot_take_fails_its_own_call_only() -> None:
    """The others of its batch are computed without it."""
    batched = BatchedEmbedder(GatedEmbedder(), lanes=1)
    outcomes = await asyncio.gather(*(batched.embed([text, "more"]) for text in ("first", POISON, "third")), return_exceptions=True)

    assert [False, True, False] == [isinstance(outcome, ModelUnavailable) for outcome in outcomes]


async def test_a_cancelled_call_is_computed_no_further() -> None:
    """Its batch under way is cancelled, the rest never begins, and the next one is not held up."""
    inner = GatedEmbedder(is_open=False)
    batched = BatchedEmbedder(inner, lanes=1)
    call = asyncio.create_task(batched.embed(["given up"] * 100))
    await begun(inner)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    inner.gate.set()
    await batched.embed(["next"])

    assert (1, [8, 1]) == (inner.cancelled, [len(batch) for batch in inner.batches])


async def test_a_batch_with_somebody_elses_text_goes_on() -> None:
    """When one of two is cancelled, the other gets its row."""
    inner = GatedEmbedder(is_open=False)
    batched = BatchedEmbedder(inner, lanes=1)
    leaves, stays = (asyncio.create_task(batched.embed([text])) for text in ("leaves", "stays"))
    await begun(inner)
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    inner.gate.set()

    assert [[5.0]] == (await stays).tolist()
    assert [["leaves", "stays"]] == inner.batches


async def test_a_model_that_hangs_is_unavailable() -> None:
    """A batch has a limit of its own, since no step's clock runs while it is computed."""
    batched = BatchedEmbedder(GatedEmbedder(is_open=False), lanes=1, longest_s=0.01)

    with pytest.raises(ModelUnavailable, match="has not embedded 1 texts"):
        await batched.embed(["text"])
