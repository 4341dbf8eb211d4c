"""Fair queue: what waits, by tenant. Tenants take turns; what one tenant has waiting comes in order.

Used by streams/window.py for records and by streams/answering/fair_slots.py for answers.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """One tenant's thousand delay another's one by one, not by a thousand."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()

    def put(self, tenant: str, one: T) -> None:
        self._waiting.setdefault(tenant, deque()).append(one)

    def take(self) -> T | None:
        """The next one; None if nothing waits."""
        if not self._waiting:
            return None
        tenant, waiting = self._waiting.popitem(last=False)
        one = waiting.popleft()
        if waiting:
            self._waiting[tenant] = waiting  # to the end: the other tenants come first
        return one

    def drop(self, gone: Callable[[T], bool]) -> None:
        """Take these out: they wait no more."""
        kept = ((tenant, deque(one for one in waiting if not gone(one))) for tenant, waiting in self._waiting.items())
        self._waiting = OrderedDict((tenant, waiting) for tenant, waiting in kept if waiting)
