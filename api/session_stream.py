"""A session's records as server-sent events, written straight as an ASGI response: GET /v1/sessions/{id}/events (api/events.py), and the
streams of other protocols (api/protocols), which differ in their frames only.

What waits goes out in one write; a record's value is passed through as it lies in Kafka, and nothing is made per record but its frame
(20,000 records/s on one core; with an object per event it was 9,000). Until the first byte an error is an HTTP status, after it an
`error` event. The stream ends when its query is answered, when it was silent for ROXY_SSE_IDLE_S, when its reader is too slow, when the
client goes, and when the server drains; unless the client is gone it is told so, with a cursor to come back with.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.delivery_spans import DeliverySpans
from api.frames import NATIVE, Frames
from api.metrics import Metrics
from api.open_streams import Ending, OpenStream, OpenStreams
from api.principal import Principal
from api.problems import problem_of
from api.reading import Reading, Shown, ShownGap
from api.sse import HEARTBEAT
from connectors.session_log.base import Tail
from schemas.errors import RoxyError, SlowReader
from schemas.session_id import Session
from schemas.settings import Settings

WRITE_RECORDS = 500  # a late joiner's whole history may come at once; its frames are not all made before the first goes out
WRITE_BYTES = 262_144  # the server holds one write beyond its buffer for a client that takes nothing
STALL_S = 30.0  # a client that takes nothing for so long is given up; its queue is bounded meanwhile
GOODBYE_S = 2.0  # for the last frame
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Surroundings(NamedTuple):
    """What a stream needs of the process."""

    settings: Settings
    streams: OpenStreams
    metrics: Metrics
    spans: DeliverySpans


class SessionStream(Response):
    """One connection's stream."""

    media_type = "text/event-stream"

    def __init__(
        self,
        *,
        principal: Principal,
        tail: AbstractAsyncContextManager[Tail],
        reading: Reading,
        session: Session,
        around: Surroundings,
        frames: Frames = NATIVE,
    ) -> None:
        super().__init__(headers={**_HEADERS, **frames.headers})
        self._frames = frames
        del self.headers["content-length"]
        self._principal, self._opening, self._reading, self._around = principal, tail, reading, around
        self._sent = around.metrics.sent.of(session.tenant)
        self._session = session
        self._now = asyncio.get_running_loop().time
        self._writing_since: float | None = None
        self._watchdog: asyncio.TimerHandle
        self._told = reading.cursor  # of what has gone out: where the client would come back

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._around.streams.opened(self._principal, self._session) as stream:
            async with self._opening as tail:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                listener = asyncio.create_task(_until_gone(receive, stream))
                self._watch(stream)
                try:
                    await self._serve(stream, tail, send)
                finally:
                    listener.cancel()
                    self._watchdog.cancel()

    async def _serve(self, stream: OpenStream, tail: Tail, send: Send) -> None:
        try:
            ending = await stream.run(self._pump(tail, send))
        except RoxyError as error:
            await self._goodbye(send, self._error_frame(error))
            return
        structlog.contextvars.bind_contextvars(ending=ending)
        if ending in ("idle", "shutting-down"):
            await self._goodbye(send, self._closing_frame(ending))
        elif ending == "answered":
            await self._goodbye(send, b"")

    async def _pump(self, tail: Tail, send: Send) -> Ending:
        """Pass on what comes, with a heartbeat after each silence, until there is a reason to end."""
        settings, now = self._around.settings, self._now
        await self._write(send, self._frames.opening(self._told, settings.sse_retry_ms))
        written = shown_at = now()
        while not self._reading.ended:
            due = min(written + settings.sse_heartbeat_s, shown_at + settings.sse_idle_s)
            entries = await tail.read(max(due - now(), 0.001))
            for start in range(0, len(entries), WRITE_RECORDS):
                frames = self._reading.show(entries[start : start + WRITE_RECORDS])
                if frames:
                    shown_at = now()
                    written = shown_at if await self._write_shown(send, frames) else written
            if now() >= shown_at + settings.sse_idle_s:
                return "idle"
            if now() >= written + settings.sse_heartbeat_s:
                await self._write(send, HEARTBEAT)
                written = now()
        return "answered"

    async def _write_shown(self, send: Send, shown: Sequence[Shown | ShownGap]) -> bool:
        """Whether there was anything to write: not every protocol has a frame for every record."""
        frames: list[bytes] = []
        before = self._sent.size
        size = 0
        for entry in shown:
            frames.append(self._frame_of(entry))
            size += len(frames[-1])
            if size >= WRITE_BYTES or entry is shown[-1]:
                await self._write(send, b"".join(frames))
                self._told = entry.cursor if isinstance(entry, Shown) else entry.resumes
                self._sent.records += len(frames)
                frames, size = [], 0
        self._around.spans.delivered(shown)
        return self._sent.size > before

    def _frame_of(self, entry: Shown | ShownGap) -> bytes:
        if isinstance(entry, Shown):
            return self._frames.record(entry)
        self._around.metrics.gaps.labels(self._session.tenant, entry.reason).inc()
        return self._frames.gap(entry)

    async def _write(self, send: Send, frames: bytes) -> None:
        if not frames:
            return
        self._writing_since = self._now()
        await send({"type": "http.response.body", "body": frames, "more_body": True})
        self._writing_since = None
        self._sent.size += len(frames)

    def _watch(self, stream: OpenStream) -> None:
        """Look now and then whether a write is stuck: a timer for each write would cost 6 us of some 25 that a record takes."""
        if self._writing_since is not None and self._now() - self._writing_since >= STALL_S:
            self._around.metrics.slow_readers.labels(self._session.tenant).inc()
            stream.end("stalled")
        else:
            self._watchdog = asyncio.get_running_loop().call_later(STALL_S / 2, self._watch, stream)

    async def _goodbye(self, send: Send, last: bytes) -> None:
        """The last frame, if the client still takes it."""
        try:
            async with asyncio.timeout(GOODBYE_S):
                await send({"type": "http.response.body", "body": last, "more_body": False})
        except TimeoutError:
            structlog.get_logger(__name__).info("stream_ended_unheard")

    def _error_frame(self, error: RoxyError) -> bytes:
        if isinstance(error, SlowReader):
            self._around.metrics.slow_readers.labels(self._session.tenant).inc()
        structlog.get_logger(__name__).warning("stream_failed", problem=error.slug(), detail=error.detail)
        return self._frames.failed(self._told, problem_of(error))

    def _closing_frame(self, ending: Ending) -> bytes:
        # Spread over as long again, so that a process that takes over is not met by all clients at once.
        retry_ms = int(self._around.settings.sse_retry_ms * random.uniform(0.5, 1.5))
        return self._frames.closing(self._told, retry_ms, ending)


async def _until_gone(receive: Receive, stream: OpenStream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end("gone")
