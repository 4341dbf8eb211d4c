"""What a worker says when it starts, and what becomes of its background work."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from streams import worker as module
from streams.worker import in_background, tell_of
from tests.unit.streams.corpus import Corpus, WordEmbedder, a_document


async def test_who_changes_the_embedder_is_told_what_becomes_of_the_chunks() -> None:
    """Their vectors are not compared with another model's; without a word, the half of the search would be gone unseen."""
    corpus = Corpus(WordEmbedder())
    await corpus.take(a_document("# Lag\n\nThe lag of a group."))
    other = Corpus(WordEmbedder("other")).index
    await other.apply(corpus.records)
    with capture_logs() as lines:
        tell_of(corpus.index)
        tell_of(other)

    assert [("info", None), ("info", None), ("warning", 1)] == [(line["log_level"], line.get("records")) for line in lines]


async def test_background_work_that_fails_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """One record that nobody foresaw would else stop every worker that reads it, and each that takes over."""
    monkeypatch.setattr(module, "_RETRY_S", 0.0)
    begun, works = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ValueError("an odd one")
        works.set()
        await asyncio.Event().wait()

    with capture_logs() as lines:
        async with asyncio.timeout(5), in_background(work):
            await works.wait()

    assert (3, ["error", "error"]) == (begun, [line["log_level"] for line in lines])
