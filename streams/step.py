"""The frame round every step: decode, run, write what comes out, retry what may pass, dead-letter what does not.

Called by streams/app.py for each record. It returns only when the record has reached its end: its outputs are on all replicas in
sync, or its failure is recorded. An agent that raised would have its record acknowledged and lost by Faust, so nothing raises
from here but a cancellation: while the log itself is away, the frame waits.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing, nullcontext
from functools import partial
from typing import NamedTuple

import structlog
from opentelemetry import trace

from connectors.journal.base import Journal
from connectors.observability import context_from, traceparent_of
from connectors.session_log.base import SessionLog
from schemas.codec import Context, decode
from schemas.errors import LogUnavailable, RoxyError, Unavailable, UnreadableRecord
from schemas.events import Event, Paid
from schemas.record import Position, Record
from schemas.topics import Topic
from streams.dead_letters import dead_letter
from streams.outlet import Outlet, Output
from streams.task import told_to_stop

SOURCE = "/roxy/worker"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_LONGEST_ASKED_S = 30.0  # a server that asks for more is asked again all the same: somebody waits for the answer
_GENERATION, _TRY = 1_000_000, 10  # attempts of a consumer generation, and of one try in it, which may begin its answer anew

log = structlog.get_logger(__name__)
_tracer = trace.get_tracer("roxy.streams")


class Delivery(NamedTuple):
    """A record as a step meets it."""

    position: Position
    redelivered: bool  #: it may have been worked on before: read back what is out already
    attempt: int  #: fences: a later delivery of the same record has a higher one
    written: Callable[[], Awaitable[list[Position]]]  #: where the step's last output lies, once it is there
    in_vain: list[Paid]  #: what models took that failed, in this try and in those before
    untimed: Callable[[], AbstractContextManager[None]] = nullcontext  #: stops the step's clock, for work that has a limit of its own
    afresh: Callable[[], None] = lambda: None  #: gives the step its whole time again, for work that is begun anew


Run = Callable[[Event, Delivery], AsyncGenerator[Output, None]]


class Step(NamedTuple):
    """A row of the table in streams/app.py."""

    name: str
    topic: Topic
    run: Run
    failed: Callable[[Event, Delivery, RoxyError], Event | None]  #: the event that tells of a failure
    late: type[RoxyError] = RoxyError  #: what it is that it takes too long: one that may pass is tried again


class Policy(NamedTuple):
    """How often and how long."""

    tries: int
    timeout_s: float


class Frame:
    """Runs one step over records."""

    def __init__(self, step: Step, *, journal: Journal, session_log: SessionLog, policy: Policy) -> None:
        self._step, self._policy = step, policy
        self._journal, self._session_log = journal, session_log

    async def work(self, record: Record, *, redelivered: bool, generation: int) -> None:
        """Bring a record to its end."""
        with _tracer.start_as_current_span(f"step.{self._step.name}", context=context_from(record.header("traceparent"))) as span:
            context = Context(SOURCE, traceparent_of(span), record.position)
            try:
                event = self._decoded(record)
            except UnreadableRecord as error:
                await self._dead_letter(record, error, context, tries=1)
                return
            with structlog.contextvars.bound_contextvars(correlation=event.correlation, tenant=event.tenant):
                await self._until_done(record, event, context, redelivered=redelivered, generation=generation)

    def _decoded(self, record: Record) -> Event:
        event = decode(record)
        if not isinstance(event, self._step.topic.events):
            raise UnreadableRecord(f"{record.position} is {event.type}, which does not belong to this topic.")
        return event

    async def _until_done(self, record: Record, event: Event, context: Context, *, redelivered: bool, generation: int) -> None:
        tries = failures = 0
        in_vain = list[Paid]()
        while True:
            tries += 1
            asked_s = 0.0
            outlet = self._outlet(context, careful=redelivered or tries > 1)
            attempt = generation * _GENERATION + min(tries * _TRY, _GENERATION - _TRY)
            afresh = partial(outlet.afresh, self._policy.timeout_s)
            delivery = Delivery(record.position, outlet.careful, attempt, outlet.written, in_vain, outlet.untimed, afresh)
            try:
                await self._run(event, delivery, outlet)
                return
            except LogUnavailable as error:  # nothing can be recorded while the log is away: wait for it
                log.warning("log unavailable", step=self._step.name, tries=tries, error=str(error))
            except RoxyError as error:
                failures += 1
                if not isinstance(error, Unavailable) or failures >= self._policy.tries:
                    await self._fail(record, event, delivery, error, context, tries)
                    return
                log.warning("step will be tried again", step=self._step.name, tries=tries, error=str(error))
                asked_s = min(error.retry_after_s, _LONGEST_ASKED_S)
            await outlet.landed()
            await asyncio.sleep(max(_pause_s(tries), asked_s))

    async def _run(self, event: Event, delivery: Delivery, outlet: Outlet) -> None:
        """Raises RoxyError only. What the log takes is not counted against the step's time."""
        try:
            async with asyncio.timeout(self._policy.timeout_s) as outlet.limit, aclosing(self._step.run(event, delivery)) as outputs:
                async for output in outputs:
                    await outlet.write(output)
                await outlet.settle()
        except RoxyError:
            raise
        except asyncio.CancelledError as error:
            if told_to_stop():
                raise
            raise RoxyError(f"Step {self._step.name} was cancelled by something that it called.") from error
        except Exception as error:
            if outlet.limit is not None and outlet.limit.expired():
                raise self._step.late(f"Step {self._step.name} took longer than {self._policy.timeout_s:g} s.") from error
            log.exception("step raised", step=self._step.name, position=str(delivery.position))
            raise RoxyError(f"Step {self._step.name} failed: {type(error).__name__}: {_printable(str(error))}.") from error

    async def _fail(self, record: Record, event: Event, delivery: Delivery, error: RoxyError, context: Context, tries: int) -> None:
        """The dead letter first: once the session has a terminal record, the next worker takes the work for done."""
        log.error("step failed", step=self._step.name, position=str(record.position), error=error.slug(), detail=error.detail)
        await self._dead_letter(record, error, context, tries)
        last = delivery._replace(attempt=delivery.attempt + _TRY - 1)  # counts even where the try had begun its answer anew
        try:
            told = self._step.failed(event, last, error)
        except Exception:
            log.exception("nobody could be told", step=self._step.name)
            return
        if told is not None:
            await _once_log_is_there(lambda: self._tell(told, context))

    async def _tell(self, told: Event, context: Context) -> None:
        """Of a failure, to whoever waits. The record is safe by now, so a place that cannot be written to must not hold up its partition."""
        outlet = self._outlet(context, careful=True)
        try:
            await outlet.write(told)
            await outlet.settle()
        except LogUnavailable:
            raise
        except RoxyError as untold:
            log.warning("nobody to tell", step=self._step.name, error=str(untold))
        except Exception:
            log.exception("nobody could be told", step=self._step.name)

    async def _dead_letter(self, record: Record, error: RoxyError, context: Context, tries: int) -> None:
        letter = dead_letter(record, self._step.name, error, tries)
        await _once_log_is_there(lambda: self._journal.append(letter, context))

    def _outlet(self, context: Context, *, careful: bool) -> Outlet:
        return Outlet(self._journal, self._session_log, self._step.topic, context, careful=careful)


async def _once_log_is_there(write: Callable[[], Awaitable[object]]) -> None:
    """Write, as often as it takes."""
    tries = 0
    while True:
        tries += 1
        try:
            await write()
            return
        except LogUnavailable as error:
            log.warning("log unavailable", tries=tries, error=str(error))
        await asyncio.sleep(_pause_s(tries))


def _pause_s(tries: int) -> float:
    """Exponential backoff with full jitter (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/)."""
    return random.uniform(0.5, 1.0) * min(_FIRST_PAUSE_S * 2.0 ** min(tries - 1, 16), _LONGEST_PAUSE_S)


def _printable(text: str) -> str:
    """Text that a record can hold: without lone surrogates, which are no UTF-8."""
    return text.encode("utf-8", "replace").decode()
