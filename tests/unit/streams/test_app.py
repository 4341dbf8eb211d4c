"""Agents are let go of, whatever has become of Faust."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.topics import QUERIES
from streams import app as module
from streams.app import Agent, Worker
from streams.window import TopicPartition


class Done:
    """A window with a record that is done and not committed yet."""

    def __init__(self) -> None:
        self.revoked: list[TopicPartition] = []

    def heads(self) -> dict[TopicPartition, int]:
        return {("queries", 0): 42}

    def partitions(self) -> set[TopicPartition]:
        return {("queries", 0)}

    async def revoke(self, partitions: Iterable[TopicPartition]) -> None:
        self.revoked += partitions


async def never() -> None:
    await asyncio.Event().wait()


async def closed() -> None:
    raise RuntimeError("Event loop is closed")


@pytest.mark.parametrize("answer", [never, closed])
async def test_agents_whose_consumer_has_died_are_let_go_of(answer: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit, and Faust's own stop, are asked of a thread that is no more: a worker that waited for it would never work again."""
    monkeypatch.setattr(module, "_STOP_COMMIT_S", 0.01)
    monkeypatch.setattr(module, "_STOP_S", 0.01)
    window = Done()

    with capture_logs() as lines:
        async with asyncio.timeout(5):
            await a_worker(window, answer).stop()

    assert ([("queries", 0)], ["error", "error"]) == (window.revoked, [line["log_level"] for line in lines])


async def test_a_partition_of_which_nothing_is_committed_is_read_from_its_beginning_again() -> None:
    """Faust goes back to offsets above 0 only, and has thrown away what it read while partitions were shared out."""

    class Consumer:
        def __init__(self) -> None:
            self._read_offset: dict[TopicPartition, int | None] = {}
            self.sought: dict[TopicPartition, int] = {}

        async def perform_seek(self) -> None:
            self._read_offset |= {("queries", 0): None, ("queries", 1): 0, ("queries", 2): 7}

        def assignment(self) -> set[TopicPartition]:
            return {("queries", number) for number in range(4)}

        async def seek_wait(self, partitions: dict[TopicPartition, int]) -> None:
            self.sought |= partitions

    consumer = Consumer()
    await module._seek(consumer)

    assert {("queries", 0): 0, ("queries", 1): 0, ("queries", 3): 0} == consumer.sought


def a_worker(window: Any, answer: Callable[[], Awaitable[None]]) -> Worker:
    """As it is when its Faust app has crashed."""

    class Consumer:
        async def _commit(self, offsets: object) -> None:
            await answer()

    class Crashed:
        consumer = Consumer()

        async def stop(self) -> None:
            await answer()

    worker = object.__new__(Worker)
    worker._agents, worker._committed, worker._committer = [Agent(QUERIES, window)], {}, None
    worker.app = Crashed()  # type: ignore[assignment]
    return worker
