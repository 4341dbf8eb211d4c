"""Background: work that goes on beside a process's own for as long as it is wanted. Used by the API and the workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that never ends by itself, for so long. Should it have failed, its error is raised at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await ended(task)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait until it has stopped; what it failed of is raised. To await it itself would not tell its cancellation from that of
    whoever waits."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
