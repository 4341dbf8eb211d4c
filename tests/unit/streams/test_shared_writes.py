"""Writing the shared index, over one that lies in memory; tests/acceptance/test_weaviate.py has the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.shared_index.base import SharedChange
from schemas.errors import IndexUnavailable
from schemas.topics import CHUNKS
from streams.shared_writes import Target, write_shared
from tests.unit.streams.logged import LoggedCorpus, a_logged_corpus

_TIMEOUT_S = 20


class EmptiedIndex:
    """A server that is emptied while its first generation is written: that one is gone for ever, and another serves."""

    name = "memory"

    def __init__(self) -> None:
        self.generation = "first"
        self.written: dict[str, set[str]] = {}

    async def serving(self) -> str:
        return self.generation

    async def apply(self, generation: str, tenant: str, changes: Sequence[SharedChange]) -> None:
        if generation == "first":
            self.generation = "second"
            raise IndexUnavailable("There is no such collection.")
        for change in changes:
            of_tenant = self.written.setdefault(tenant, set())
            (of_tenant.discard if change.entry is None else of_tenant.add)(change.chunk_id)


async def filled(shared: EmptiedIndex, corpus: LoggedCorpus) -> None:
    """Return once it holds what the corpus does."""
    async with asyncio.timeout(_TIMEOUT_S):
        while sum(map(len, shared.written.values())) < corpus.index.size:
            await asyncio.sleep(0.01)


async def test_a_server_that_is_emptied_in_the_middle_of_a_write_is_filled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being written then does not hold its partition for ever: the generation that serves now gets all from the log."""
    monkeypatch.setattr("streams.shared_writes._RETRY_S", 0.01)
    shared: Any = EmptiedIndex()
    async with a_logged_corpus() as corpus:
        writing = asyncio.create_task(write_shared(corpus.journal, Target(shared, "words", None, "g")))
        try:
            await filled(shared, corpus)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        noted = await corpus.journal.noted(CHUNKS, "g.first")

    assert {0: 0} == noted
    assert {"default", "acme"} == shared.written.keys()
