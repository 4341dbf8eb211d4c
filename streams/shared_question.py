"""Shared question: one that many ask at the same time, and whose answer may be no older than they are. Asked by streams/chunk_index.py.

One is under way at a time. Whoever asks meanwhile shares the next, which begins once this one has ended: all of them asked before it began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedQuestion(Generic[T]):
    """See the module. What the question raises, all who share it get."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._under_way: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def answer(self) -> T:
        """One that was asked for after this call. Whoever is cancelled leaves the others theirs."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._under_way), name="shared-question")
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[T] | None) -> T:
        if before:
            await asyncio.wait((before,))
        self._under_way, self._next = self._next, None
        return await self._ask()
