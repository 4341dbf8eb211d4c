"""Arrivals: when something happens, as it does in life: by chance, at a rate, and whether what came before is done or not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator


async def arrivals(chance: random.Random, per_min: float, over: asyncio.Event) -> AsyncIterator[None]:
    """Until it is over. Each is due at its own time, so that a slow one does not thin out those behind it."""
    due = asyncio.get_running_loop().time()
    while per_min > 0:
        due += chance.expovariate(per_min / 60)
        if await _is_over(over, due - asyncio.get_running_loop().time()):
            return
        yield


async def _is_over(over: asyncio.Event, wait_s: float) -> bool:
    try:
        async with asyncio.timeout(max(wait_s, 0)):
            return await over.wait()
    except TimeoutError:
        return False
