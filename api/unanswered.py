"""The questions that this process has written and that are not answered yet: what a pile of waiting questions is known by.

That an answer has ended, however it ended, stands on the topic `answers`, which is followed from the process's start on, by its records' headers.
A question whose end never comes, such as one of a session that was forgotten meanwhile, counts for ten minutes.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from api.topic_reading import followed_for_ever
from connectors.background import running
from connectors.journal.base import Journal
from schemas.record import Record
from schemas.session_id import Session
from schemas.topics import ANSWERS

KEPT_S = 600.0
PACE_S = 10.0  # of the last so many seconds is told how fast answers end
LONGEST_S = 30.0  # that anybody is told to stay away: the pile may be gone long before
_READ_S = 1.0


class Waiting(NamedTuple):
    """An answer that is waited for."""

    session: Session
    answer_id: str


class Unanswered:
    """Counts them, by tenant."""

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self._journal, self._clock = journal, clock
        self._since: OrderedDict[Waiting, float] = OrderedDict()
        self._of: Counter[str] = Counter()
        self._positions: Mapping[int, int] | None = None
        self._ends: deque[float] = deque(maxlen=10_000)

    def followed(self) -> AbstractAsyncContextManager[None]:
        """Follow the ends in the background."""
        return running(followed_for_ever(ANSWERS, self._follow))

    def asked(self, waiting: Waiting) -> bool:
        """Its question is about to be written. Whether it is a new one."""
        if waiting in self._since:
            return False
        self._since[waiting] = self._clock()
        self._of[waiting.session.tenant] += 1
        return True

    def end(self, waiting: Waiting) -> None:
        """Its answer has ended."""
        if waiting in self._since:
            self._ends.append(self._clock())
            self.forget(waiting)

    def forget(self, waiting: Waiting) -> None:
        """It is not waited for."""
        if self._since.pop(waiting, None) is not None:
            self._of[waiting.session.tenant] -= 1
            self._of += Counter()  # tenants without any are dropped

    def count(self) -> int:
        """All that wait now."""
        while self._since and next(iter(self._since.values())) < self._clock() - KEPT_S:
            self.forget(next(iter(self._since)))
        return len(self._since)

    def share(self, tenant: str) -> tuple[int, int]:
        """How many of them are the tenant's, and how many tenants there are, with this one."""
        return self._of[tenant], len(self._of.keys() | {tenant})

    def gone_in_s(self) -> float:
        """When those that wait now will be answered, at the pace of the last seconds."""
        now = self._clock()
        while self._ends and self._ends[0] < now - PACE_S:
            self._ends.popleft()
        pace = len(self._ends) / PACE_S
        return min(self.count() / pace, LONGEST_S) if pace else LONGEST_S

    async def _follow(self) -> None:
        """Goes on where it stopped: ends that come while the log is away are seen once it is back."""
        self._positions = await self._here_on() if self._positions is None else self._positions
        async with self._journal.follow(ANSWERS, self._positions) as follower:
            while True:
                for record in await follower.read(_READ_S):
                    self._see(record)
                self._positions = dict(follower.positions)

    async def _here_on(self) -> Mapping[int, int]:
        """From where on ends are seen. That of a question asked before may lie before it: who waits is counted from here on too."""
        positions = await self._journal.ends(ANSWERS)
        self._since.clear()
        self._of.clear()
        return positions

    def _see(self, record: Record) -> None:
        session = Session(record.header("tenant") or "", (record.key or b"").decode(errors="replace"))
        self.end(Waiting(session, record.header("answer") or ""))
