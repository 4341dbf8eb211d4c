"""Fair slots: so many answers at a time by one model; tenants take turns for the next one.

A server that writes a hundred answers at once writes each of them slowly, and a tenant that asks a hundred questions would keep all others
from it. Guarantees: never more than `size` have a slot; a slot is free again on every way out.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from streams.fair_queue import FairQueue


class Place:
    """In the queue, then at the model."""

    def __init__(self) -> None:
        self.has_slot = self.left = False
        self._changed = asyncio.Event()

    @property
    def waits(self) -> bool:
        return not (self.has_slot or self.left)

    async def turn(self) -> None:
        """Wait for a slot, or until somebody gives the place up."""
        await self._changed.wait()

    def take_slot(self) -> None:
        self.has_slot = True
        self._changed.set()

    def leave(self) -> None:
        """Give it up: who waits in it goes on without a slot."""
        self.left = True
        self._changed.set()


class FairSlots:
    """Of one model."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._queue: FairQueue[Place] = FairQueue()

    @contextmanager
    def place(self, tenant: str) -> Iterator[Place]:
        """A place of the tenant's: with a slot at once, if one is free."""
        place = Place()
        self._queue.put(tenant, place)
        self._let_in()
        try:
            yield place
        finally:
            if place.has_slot:
                self._free += 1
            else:
                self._queue.drop(lambda other: other is place)
            self._let_in()

    def _let_in(self) -> None:
        while self._free and (place := self._queue.take()) is not None:
            self._free -= 1
            place.take_slot()


ENDLESS = FairSlots(sys.maxsize)  #: for what no model says
