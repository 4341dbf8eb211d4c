"""What a task knows of itself."""

from __future__ import annotations

import asyncio


def told_to_stop() -> bool:
    """Whether the running task was cancelled from outside: a library may raise CancelledError by itself, when its connection goes."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
