"""Watchers read whole sessions: from the first record on, in and out, one session after the other."""

from __future__ import annotations

import asyncio

from tests.robustness.traffic.arrivals import arrivals
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.reader import PATIENT, RESTLESS, Reader
from tests.robustness.traffic.world import World

_AT_ONCE = 12
_LAST = 30  # sessions of a tenant that are read once more in the end


async def watches(client: Client, world: World, per_min: float) -> None:
    """A session each time, to the end of the run; no more than a few at once."""
    places = asyncio.Semaphore(_AT_ONCE)
    async for _ in arrivals(client.chance, per_min, world.over):
        if world.sessions[client.tenant] and not places.locked():
            world.begin(_watches_one(client, world, client.chance.choice(world.sessions[client.tenant]), places))


async def _watches_one(client: Client, world: World, session: str, places: asyncio.Semaphore) -> None:
    async with places:
        await Reader(client, session, habit=RESTLESS).follow(world)


def reads_all(client: Client, world: World) -> None:
    """Once all is quiet: sessions from the beginning to the end, as they lie there for good."""
    known = world.sessions[client.tenant]
    for session in client.chance.sample(known, min(_LAST, len(known))):
        world.begin(Reader(client, session, habit=PATIENT).follow(world))
