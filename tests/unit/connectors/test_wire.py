"""Where topics are, by brokers of which some have heard less than others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from aiokafka.errors import NodeNotReadyError

from connectors.kafka import wire
from connectors.kafka.wire import topic_places

UNKNOWN, ID = 3, UUID(int=7)
Heard = frozenset[str] | Callable[[], Any]


class Client:
    """Of brokers that know these topics, or do as they are told."""

    def __init__(self, heard: Mapping[int, Heard]) -> None:
        self._heard = heard
        self.asked: list[int] = []
        self.cluster = SimpleNamespace(brokers=lambda: [SimpleNamespace(nodeId=node) for node in heard])

    def get_random_node(self) -> int:
        return min(self._heard)

    async def send(self, node: int, request: Any) -> Any:
        self.asked.append(node)
        heard = self._heard[node]
        if not isinstance(heard, frozenset):
            await heard()
            raise AssertionError
        return SimpleNamespace(
            topics=[(0, n, ID, False, [(0, 0, node)]) if n in heard else (UNKNOWN, n, ID, False, []) for _, n, _ in request._topics]
        )


async def away() -> None:
    raise NodeNotReadyError("it is away")


async def paused() -> None:
    await asyncio.Event().wait()


async def places(client: Client, *names: str) -> set[str]:
    return set(await topic_places(client, names))  # type: ignore[arg-type]


async def test_a_topic_that_one_broker_has_not_heard_of_yet_is_found_at_another() -> None:
    """A session is asked in as soon as it was made; two brokers of three may not know it by then."""
    client = Client({1: frozenset(), 2: frozenset(), 3: frozenset({"new"})})

    assert {"new"} == await places(client, "new")


async def test_what_the_first_broker_knows_no_other_is_asked_for() -> None:
    """It costs one request, as a rule."""
    client = Client({1: frozenset({"old"}), 2: frozenset({"old"})})

    assert ({"old"}, [1]) == (await places(client, "old"), client.asked)


async def test_a_topic_that_no_broker_knows_is_absent() -> None:
    """Those that are known are told all the same."""
    client = Client({1: frozenset({"old"}), 2: frozenset({"old"})})

    assert {"old"} == await places(client, "old", "gone")


@pytest.mark.parametrize("state", [away, paused])
async def test_a_broker_that_is_away_holds_nobody_up(state: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are believed."""
    monkeypatch.setattr(wire, "_OTHERS_S", 0.01)
    client = Client({1: frozenset(), 2: state, 3: frozenset({"new"})})

    async with asyncio.timeout(5):
        assert {"new"} == await places(client, "new")
