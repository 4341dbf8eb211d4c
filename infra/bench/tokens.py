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
_INDEX, _MADE = 777_777_771, 1_777_777_777_777_777_772  # what stands for them in a pattern: nothing else of a record looks so
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


class TokenRecords:
    """The records of one session's tokens, each made of the first: the codec takes ten times as long, and what is measured shares the cores."""

    def __init__(self, session: Session) -> None:
        self._key, value, headers = encode(event_of(session, _INDEX, _MADE), CONTEXT)
        # The value holds the index in its id, then as itself, and then what tells when the token was made.
        self._value = _pattern(value or b"").replace(b"%d" % _MADE, b"%d")
        self._headers = headers
        self._patterns = [(place, name, _pattern(text)) for place, (name, text) in enumerate(headers) if b"%d" % _INDEX in text]

    def draft(self, index: int) -> Draft:
        """The record of the token that is made now."""
        headers = list(self._headers)
        for place, name, pattern in self._patterns:
            headers[place] = (name, pattern % index)
        return Draft(self._key, self._value % (index, index, time.time_ns()), tuple(headers))


def event_of(session: Session, index: int, made_ns: int | None = None) -> TokensGenerated:
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
        text=str(time.time_ns() if made_ns is None else made_ns),
    )


def _pattern(text: bytes) -> bytes:
    return text.replace(b"%d" % _INDEX, b"%d")


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
