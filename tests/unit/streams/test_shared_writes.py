"""Writing the shared index, over one that lies in memory; tests/acceptance/test_weaviate.py has the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.shared_index.base import SharedChange
from schemas.errors import IndexRefused, IndexUnavailable
from schemas.topics import CHUNKS
from streams.shared_writes import Target, rebuild_shared, write_shared
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


class ChoosyIndex:
    """A server that refuses some chunks, or is away for all that is written."""

    name = "memory"

    def __init__(self, *, refused: str = "never", away: bool = False) -> None:
        self.generation, self.known = "first", ["first"]
        self.taken: set[str] = set()
        self._refused, self._away = refused, away

    async def begin(self) -> str:
        self.known.append("second")
        return "second"

    async def swap(self, generation: str) -> None:
        self.generation = generation

    async def drop(self, generation: str) -> None:
        self.known.remove(generation)

    async def apply(self, generation: str, tenant: str, changes: Sequence[SharedChange]) -> None:
        if self._away:
            raise IndexUnavailable
        chunk_ids = {change.chunk_id for change in changes}
        refused = {chunk_id for chunk_id in chunk_ids if self._refused in chunk_id}
        self.taken |= chunk_ids - refused
        if refused:
            raise IndexRefused("Its vector is too long.", chunk_ids=frozenset(refused))


async def test_a_rebuild_passes_over_a_chunk_that_the_server_refuses() -> None:
    """It must not make every rebuild impossible; which ones are not in it, the log says."""
    shared: Any = ChoosyIndex(refused="lag#1")
    async with a_logged_corpus() as corpus:
        with capture_logs() as lines:
            await rebuild_shared(corpus.journal, Target(shared, "words", None, "g"))
        known = {(record.key or b"").decode() for record in corpus.journal.records(CHUNKS)}

    assert ("second", known - {"default/lag#1"}) == (shared.generation, shared.taken)
    assert [(1, ["default/lag#1"])] == [(line["chunks"], line["first"]) for line in lines if line["event"] == "chunks refused"]


@pytest.mark.parametrize(("wrong", "error"), [({"away": True}, IndexUnavailable), ({"refused": ""}, IndexRefused)])
async def test_a_rebuild_that_fails_leaves_no_generation_behind(wrong: dict[str, Any], error: type[Exception]) -> None:
    """Each try would leave another; and one in which nothing is must never serve."""
    shared: Any = ChoosyIndex(**wrong)
    async with a_logged_corpus() as corpus:
        with pytest.raises(error):
            await rebuild_shared(corpus.journal, Target(shared, "words", None, "g"))

    assert ("first", ["first"]) == (shared.generation, shared.known)
