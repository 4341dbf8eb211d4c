"""World: what the clients of a run know together, by what they have seen. Whoever wants something to judge, cancel or read looks here."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any, NamedTuple

_KNOWN = 200  #: of each kind, the newest


class Asked(NamedTuple):
    """A question that was accepted."""

    session: str
    query_id: str
    answer_id: str


class World:
    """Of one run."""

    def __init__(self) -> None:
        self.over = asyncio.Event()  #: nobody begins anything any more
        self.quiet = asyncio.Event()  #: whoever reads a session has seen all that there will be
        self.sessions = defaultdict[str, list[str]](list)  #: by tenant, those that are not forgotten
        self.under_way = defaultdict[str, list[Asked]](list)
        self.answered = defaultdict[str, list[Asked]](list)
        self.documents = defaultdict[str, dict[str, str]](dict)  #: by tenant and id, the word of the last version
        self.acknowledged = defaultdict[str, dict[str, str]](dict)  #: the same, also of those that were deleted since
        self.words = defaultdict[str, list[str]](list)  #: of all versions that somebody tried to submit
        self._work = set[asyncio.Task[None]]()
        self._failed: list[BaseException] = []

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background. What it raises is a fault of this harness."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._ended)

    async def finish(self, timeout_s: float) -> int:
        """Wait until all work is done, for so long; then give up what is left. How much that was. Raises what work has raised."""
        waiting = [*self._work]
        if waiting:
            await asyncio.wait(waiting, timeout=timeout_s)
        left = [*self._work]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._failed:
            raise self._failed[0]
        return len(left)

    def began(self, tenant: str, session: str) -> None:
        _remember(self.sessions[tenant], session)

    def forgot(self, tenant: str, session: str) -> None:
        """Nobody asks in it from now on."""
        if session in self.sessions[tenant]:
            self.sessions[tenant].remove(session)

    def asked(self, tenant: str, one: Asked) -> None:
        self.under_way[tenant].append(one)

    def ended(self, tenant: str, one: Asked, *, answered: bool) -> None:
        if one in self.under_way[tenant]:
            self.under_way[tenant].remove(one)
        if answered:
            _remember(self.answered[tenant], one)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(error)


def _remember(known: list[Any], one: Any) -> None:
    known.append(one)
    del known[:-_KNOWN]
