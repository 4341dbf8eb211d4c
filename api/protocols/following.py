"""An answer as it comes, from its place in the log: as a stream in some protocol's frames, or waited for to its end.

A renderer is a pure fold: the same records give the same bytes, at whatever API process and however often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import structlog
from starlette.requests import Request
from starlette.responses import Response

from api.open_streams import Ending
from api.principal import Principal
from api.problems import problem_of
from api.reading import Reading, Shown, ShownGap, history_of
from api.session_stream import SessionStream, Surroundings
from api.wiring import Wiring
from schemas.codec import decode
from schemas.errors import ShuttingDown, TooManyConnections, Unavailable, UnknownResponse, UnreadableRecord
from schemas.events import Event, answer_id_of
from schemas.http_bodies import Problem
from schemas.response_id import AnswerPlace

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_EXPIRED = "A part of this answer is no longer kept."


class Renderer(Protocol):
    """One answer's frames in one protocol. Nothing but what it is given goes into them."""

    def opening(self) -> bytes: ...

    def take(self, event: Event) -> bytes:
        """What this event adds; empty if nothing."""
        ...

    def failed(self, problem: Problem) -> bytes:
        """The answer cannot be read on: not a part of the log."""
        ...

    def closing(self) -> bytes:
        """The server ends the stream; the answer goes on without it."""
        ...


class AnswerFrames:
    """Adapts a renderer to the frames of a stream."""

    def __init__(self, renderer: Renderer, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        self._renderer, self.headers = renderer, headers

    def opening(self, cursor: str, retry_ms: int) -> bytes:
        return self._renderer.opening()

    def record(self, entry: Shown) -> bytes:
        return b"".join(self._renderer.take(event) for event in events_in([entry]))

    def gap(self, entry: ShownGap) -> bytes:
        return self._renderer.failed(problem_of(UnknownResponse(_EXPIRED, remedy="Ask again.")))

    def failed(self, cursor: str, problem: Problem) -> bytes:
        return self._renderer.failed(problem)

    def closing(self, cursor: str, retry_ms: int, ending: Ending) -> bytes:
        return self._renderer.closing()


def stream_of(request: Request, wired: Wiring, principal: Principal, place: AnswerPlace, frames: AnswerFrames) -> Response:
    """The answer's stream, to its end."""
    around = Surroundings(wired.settings, wired.streams, wired.metrics, request.app.state.delivery_spans)
    tail = wired.session_log.tail(place.session, place.cursor)
    return SessionStream(principal=principal, tail=tail, reading=_reading(wired, place), session=place.session, around=around, frames=frames)


async def wait_for(wired: Wiring, principal: Principal, place: AnswerPlace, take: Callable[[Event], Awaitable[bool]]) -> None:
    """Give `take` the answer's events to its end, or until it says that it has enough. Counts as a stream.

    Raises ShuttingDown, and Unavailable if nothing comes for long.
    """
    reading, idle_s = _reading(wired, place), wired.settings.sse_idle_s

    async def to_the_end() -> Ending:
        async with wired.session_log.tail(place.session, place.cursor) as tail:
            while not reading.ended:
                entries = await tail.read(idle_s)
                for event in events_in(reading.show(entries)):
                    if await take(event):
                        return "answered"
                if not entries:
                    return "idle"
        return "answered"

    with wired.streams.opened(principal, place.session) as stream:
        ending = await stream.run(to_the_end())
    if ending == "shutting-down":
        raise ShuttingDown
    if ending == "idle":
        raise Unavailable(f"Nothing of the answer came for {idle_s:g} s.", remedy="Check that a worker runs; the question stays in the log.")


async def wait_shortly(wired: Wiring, principal: Principal, place: AnswerPlace, seconds: float) -> None:
    """Until the answer's end, but not for long, and not at all without room for it."""

    async def no_matter(_: Event) -> bool:
        return False

    try:
        async with asyncio.timeout(seconds):
            await wait_for(wired, principal, place, no_matter)
    except (TimeoutError, Unavailable, TooManyConnections):
        structlog.get_logger(__name__).debug("not_ended_yet", query=place.query_id)


async def fold_now(wired: Wiring, place: AnswerPlace, take: Callable[[Event], object]) -> None:
    """Give `take` the answer's events as far as they are there. Raises UnknownResponse if they are gone."""
    reading = _reading(wired, place)
    with wired.presence.reading(place.session):  # who asks now and then waits too
        async with history_of(wired.session_log, place.session, place.cursor) as entries:
            async for entry in entries:
                for event in events_in(reading.show([entry])):
                    take(event)
                if reading.ended:
                    break


def events_in(shown: Sequence[Shown | ShownGap]) -> Iterator[Event]:
    """The events of what is shown. A foreign record that is none is passed over: it has no place in another protocol.

    Raises UnknownResponse at a gap: an answer with a hole is none.
    """
    for entry in shown:
        if isinstance(entry, ShownGap):
            raise UnknownResponse(_EXPIRED, remedy="Ask again.")
        try:
            yield decode(entry.record)
        except UnreadableRecord as error:
            structlog.get_logger(__name__).warning("record_passed_over", detail=error.detail)


def _reading(wired: Wiring, place: AnswerPlace) -> Reading:
    return Reading(session=place.session, signer=wired.signer, start=place.cursor, answer=answer_id_of(place.query_id))
