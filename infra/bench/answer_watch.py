"""One reader of one question's answer for the benches: when each token came, of which attempt, and whether every index came in its turn."""

from __future__ import annotations

import asyncio
import re

_TOKEN = re.compile(rb'"attempt":(\d+),"index":(\d+),"text":')
_STARTED = re.compile(rb'"attempt":\d+,"resumes_at":(\d+),')
_SETTLED_NS = 500_000_000  # what a worker had written before it died is at its readers by then


class AnswerWatch:
    """Takes an SSE connection's bytes and folds them as a client does: an attempt's beginning drops what lies behind it."""

    def __init__(self) -> None:
        self.tokens: list[tuple[int, int]] = []  #: when a token came (ns), and its attempt
        self.wrong = 0  #: doubled, missing, or behind the end
        self.end, self.end_ns = "", 0
        self.ended = asyncio.Event()
        self._next = 0
        self._rest = b""

    def take(self, data: bytes, now_ns: int) -> None:
        """What has come."""
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            self._take(frame, now_ns)

    def stopped_at(self, moment_ns: int) -> bool:
        """Whether the answer was in the middle, and its worker has written nothing from that moment on."""
        before = [attempt for when, attempt in self.tokens if when <= moment_ns]
        late = any(when > moment_ns + _SETTLED_NS and attempt == before[-1] for when, attempt in self.tokens) if before else True
        return bool(before) and not late and not 0 < self.end_ns <= moment_ns + _SETTLED_NS

    def pause_ms(self, moment_ns: int) -> float:
        """From that moment to the first token of another attempt than the ones until then."""
        before = max(attempt for when, attempt in self.tokens if when <= moment_ns)
        return (next(when for when, attempt in self.tokens if attempt > before) - moment_ns) / 1e6

    def _take(self, frame: bytes, now_ns: int) -> None:
        if (token := _TOKEN.search(frame)) is not None:
            self.tokens.append((now_ns, int(token[1])))
            self.wrong += int(token[2]) != self._next or bool(self.end)
            self._next = int(token[2]) + 1
        elif (started := _STARTED.search(frame)) is not None:
            self._next = min(self._next, int(started[1]))
        elif (at := frame.find(b"event: Answer")) >= 0:
            self.wrong += bool(self.end)
            self.end, self.end_ns = frame[at + 7 :].split(b"\n")[0].decode(), now_ns
            self.ended.set()
