"""Tokens for the stream benches: who writes them when, and what a reader makes of what arrives."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from schemas.codec import Context, encode
from schemas.events import TokensGenerated
from schemas.record import Draft
from schemas.session_id import Session

TICK_S = 0.005
_TOKEN = re.compile(rb'"index":(\d+),"text":"(\d+)"')
CONTEXT = Context("/roxy/bench", f"00-{'b' * 32}-{'e' * 16}-01")


class Load(NamedTuple):
    """`rate` tokens a second in each session, for so many seconds; the sessions are staggered evenly."""

    sessions: tuple[str, ...]
    rate: float
    seconds: float

    @property
    def tokens(self) -> int:
        """Of one session."""
        return int(self.rate * self.seconds)


def draft_of(session: Session, index: int) -> Draft:
    """The record of such a token."""
    return encode(event_of(session, index), CONTEXT)


def event_of(session: Session, index: int) -> TokensGenerated:
    """A token that says when it was made, in nanoseconds."""
    query = f"q-{session.id}"
    return TokensGenerated(
        id=f"a-{query}:1:{index}",
        tenant=session.tenant,
        session_id=session.id,
        query_id=query,
        answer_id=f"a-{query}",
        attempt=1,
        index=index,
        text=str(time.time_ns()),
    )


async def due(load: Load) -> AsyncIterator[Iterator[tuple[int, int]]]:
    """At each tick, the (session number, index) of the tokens whose time has come. Open loop: a late tick is made up for."""
    count, step = len(load.sessions), 1 / (load.rate * len(load.sessions))
    begun, done = time.perf_counter(), 0
    while done < count * load.tokens:
        now = min(int((time.perf_counter() - begun) / step), count * load.tokens)
        yield ((number % count, number // count) for number in range(done, now))
        done = now
        await asyncio.sleep(TICK_S)


class Meter:
    """Reads one connection's bytes: latencies, and whether each index came once and in order."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[int, float]] = []  #: when the token was made (ns), and its latency in ms
        self.wrong = 0  # doubled or out of order
        self.next = 0
        self._rest = b""

    def take(self, data: bytes, now_ns: int) -> None:
        data = self._rest + data
        end = 0
        for match in _TOKEN.finditer(data):
            end = match.end()
            index = int(match[1])
            self.wrong += index != self.next
            self.next = index + 1
            made = int(match[2])
            self.arrivals.append((made, (now_ns - made) / 1e6))
        self._rest = data[max(end, len(data) - 200) :]
