"""Reader: follows a session, or one question of it. Connections break, and it leaves them; it goes on with the last cursor, here or there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import count
from types import MappingProxyType
from typing import NamedTuple

import httpx2

from tests.robustness.history import Ending, Frame
from tests.robustness.recorder import Reading
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.world import World

_NUMBERS = count(1)
_SILENCE_S = 4.0  # four heartbeats: the other side is not there any more
_LEAVES_AFTER = (1, 25)  # frames
_AWAY_S = (0.0, 4.0)
_ALL_SEEN_S = 3.0  # without a record, when nothing is under way any more
_TOO_MANY = 429
#: Frames that tell of the connection, not of the session.
_LAST_WORDS: dict[str, Ending] = {"closing": "closing", "error": "broke"}


class Habit(NamedTuple):
    """What a reader is like."""

    leaves: float = 0.3  #: how often it leaves a connection in the middle
    returns_elsewhere: float = 0.5


RESTLESS, PATIENT = Habit(leaves=0.8), Habit(leaves=0.0)
USUAL = Habit()


def _nothing(frame: Frame) -> None:
    """Nobody looks on."""


class Reader:
    """Of one session. `only`: `query` or `answer`, and the id of the one whose records alone are asked for, to the end."""

    def __init__(
        self, client: Client, session: str, *, only: Mapping[str, str] = MappingProxyType({}), after: str | None = None, habit: Habit = USUAL
    ) -> None:
        self.client, self.session, self.only, self.after, self.habit = client, session, only, after, habit
        self.name = f"r{next(_NUMBERS)}"
        self.seen: Callable[[Frame], None] = _nothing
        self._for_good = False  # was refused, and would be again

    async def follow(self, world: World) -> None:
        """Until there is no more to come: of a question, its end; of a session, the end of the run."""
        while (ended := await self.connect(world)) not in ("over", "caught-up") and not self._for_good:
            if ended == "cut":
                await asyncio.sleep(self.client.chance.uniform(*_AWAY_S))
            else:
                await self.client.pause()
            if ended != "cut" or self.client.chance.random() < self.habit.returns_elsewhere:
                self.client.move()

    async def connect(self, world: World, *, leave_after: int | None = None) -> Ending:
        """One connection, to its end or until so many frames have come."""
        client = self.client
        if leave_after is None and client.chance.random() < self.habit.leaves and not world.over.is_set():
            leave_after = client.chance.randint(*_LEAVES_AFTER)
        about = {"tenant": client.tenant, "session_id": self.session, "after": self.after}
        try:
            with client.record.reading(self.name, **about, **self.only) as reading:
                try:
                    status, ended = await self._read(reading, world, leave_after)
                except asyncio.CancelledError:
                    reading.ended("hung")
                    raise
                reading.ended(ended, status)
                return ended
        except httpx2.TransportError:
            return "broke"

    async def _read(self, reading: Reading, world: World, leave_after: int | None) -> tuple[int, Ending]:
        headers = {"Last-Event-ID": self.after} if self.after else {}
        url = f"{self.client.address}/v1/sessions/{self.session}/events"
        timeout = httpx2.Timeout(_SILENCE_S)
        async with self.client.http.sse(url, headers=headers, params=self.only, timeout=timeout) as source:
            status = source.response.status_code
            if status == 200:
                return status, await self._listen(reading, aiter(source), world, leave_after)
            self._for_good = 400 <= status < 500 and status != _TOO_MANY
            return status, "over" if status == 204 else "refused"

    async def _listen(self, reading: Reading, frames: AsyncIterator[httpx2.ServerSentEvent], world: World, leave_after: int | None) -> Ending:
        while leave_after is None or len(reading.frames) < leave_after:
            waiting = asyncio.ensure_future(anext(frames, None))
            try:
                while not (await asyncio.wait({waiting}, timeout=_ALL_SEEN_S))[0]:
                    if not self.only and world.quiet.is_set():
                        return "caught-up"
            finally:
                waiting.cancel()
            frame = await waiting
            if frame is None:
                return "over" if self.only else "closing"
            self.after = frame.id or self.after
            if frame.event in _LAST_WORDS:
                return _LAST_WORDS[frame.event]
            if frame.data:
                self.seen(reading.took(frame.id, frame.event, frame.data.encode()))
        return "cut"
