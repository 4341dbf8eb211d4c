"""Crew: all clients of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.robustness.mixes import Mix
from tests.robustness.recorder import Recorder
from tests.robustness.system import TENANTS, System
from tests.robustness.traffic.asking import asks, asks_again, cancels
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.judging import judges
from tests.robustness.traffic.submitting import submits
from tests.robustness.traffic.watching import watches
from tests.robustness.traffic.world import World

#: Who they are, what they do, and how often beside the questions.
_ROLES: dict[str, tuple[Callable[[Client, World, float], Coroutine[Any, Any, None]], float]] = {
    "asker-ann": (asks, 0.3),
    "asker-bob": (asks, 0.2),
    "watcher-ann": (watches, 0.3),
    "rater-ann": (judges, 0.15),
    "rater-bob": (judges, 0.15),
    "submitter-ann": (submits, 0.2),
    "again-bob": (asks_again, 0.08),
    "canceller-ann": (cancels, 0.06),
}


@asynccontextmanager
async def at_work(system: System, recorder: Recorder, mix: Mix, seed: int) -> AsyncIterator[World]:
    """Clients of each tenant, until the world is over and what they began is done."""
    world, clients = World(), list[Client]()
    try:
        for tenant in TENANTS:
            for role, (work, share) in _ROLES.items():
                clients.append(Client(f"{tenant}-{role}", tenant, addresses=system.addresses, recorder=recorder, seed=seed))
                world.begin(work(clients[-1], world, share * mix.asks_per_min))
        yield world
    finally:
        world.over.set()
        for client in clients:
            await client.close()
