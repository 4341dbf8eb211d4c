"""Generation: a question and its chunks to an answer, token by token. The step of topic `retrievals`.

An answer survives its worker: what a worker before has put into the session's log counts, and this one goes on behind it. It survives its
model too: when one fails, the next one begins the answer anew.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import NamedTuple

import structlog
from prometheus_client import Counter

from schemas.errors import ModelRefused, ModelUnavailable
from schemas.events import ChunksRetrieved, Event, Paid
from streams.answer_so_far import AnswerSoFar
from streams.answering.attempt import Attempt, Ended, paid_before
from streams.answering.brief import Brief
from streams.answering.moderation import NOBODY, Moderation, Verdict
from streams.answering.speaker import Speaker
from streams.cancellations import Cancellations, Query
from streams.outlet import Output
from streams.step import Delivery
from streams.token_stream import TextDiffers, TokenStream

#: What comes before the first token waits so long for it, to go out in the same request: sent alone, it would hold the token back for
#: a round trip, because a partition has one request under way at a time.
_TOGETHER_S = 0.005

_FAILURES = Counter("roxy_model_failures", "Answers that a language model did not finish.", ["model"])
_FALLBACKS = Counter("roxy_model_fallbacks", "Answers begun anew by the next model.", ["model", "instead_of"])

ReadBack = Callable[[ChunksRetrieved], Awaitable[AnswerSoFar]]

log = structlog.get_logger(__name__)


class Around(NamedTuple):
    """What an attempt looks at beside its model."""

    delivery: Delivery
    cancellations: Cancellations
    moderation: Moderation


async def generate(
    brief: Brief, delivery: Delivery, *, cancellations: Cancellations, read_back: ReadBack, moderation: Moderation = NOBODY
) -> AsyncGenerator[Output, None]:
    """Events of the answer, in order: ChunksRetrieved, GenerationStarted, TokensGenerated…, and one terminal event.

    Of a redelivered record the session's log is read back, before the attempt begins and again behind its GenerationStarted, which
    fences off every attempt before: what an older one wrote up to there counts, what it writes later does not.
    """
    so_far = await read_back(brief.found) if delivery.redelivered else AnswerSoFar()
    if so_far.ended:
        yield _audit(so_far)
        return
    speakers = _in_turn(brief.speakers, so_far)
    run = Attempt(brief, delivery.attempt, speakers[0])
    resumes_at = len(so_far.texts) if _goes_on(run, so_far) else 0
    if not (resumes_at or delivery.in_vain):  # a worker before has gone, and what it had paid for with it
        delivery.in_vain.extend(paid_before(so_far, brief.settings))
    first: list[Event] = [run.started(resumes_at)] if so_far.found else [brief.found, run.started(resumes_at)]
    if delivery.redelivered:
        while first:
            yield first.pop(0)
        so_far = await read_back(brief.found)
        if so_far.ended:
            yield _audit(so_far)
            return
    so_far = so_far._replace(texts=so_far.texts[:resumes_at])
    async with aclosing(_by_one_of(speakers, run, Around(delivery, cancellations, moderation), so_far, first=first)) as events:
        async for event in events:
            yield event


def _audit(so_far: AnswerSoFar) -> Sequence[Event]:
    """The session holds the end of the answer; whether the audit record came out too, before its worker died, nobody knows: once more."""
    return (so_far.completed,) if so_far.completed is not None else ()


def _in_turn(speakers: Sequence[Speaker], so_far: AnswerSoFar) -> list[Speaker]:
    """Who has said what is out goes first, if it is known here; then all others in their order."""
    return sorted(speakers, key=lambda speaker: not (so_far.texts and so_far.said_by(speaker.model)))


def _goes_on(run: Attempt, so_far: AnswerSoFar) -> bool:
    return run.model.resumes != "restart" and so_far.said_by(run.model)


async def _by_one_of(
    speakers: Sequence[Speaker], run: Attempt, around: Around, so_far: AnswerSoFar, *, first: Sequence[Event]
) -> AsyncGenerator[Event, None]:
    """The first speaker's answer. If it fails, what is out is void, readers are told so, and the next one begins anew.

    Raises the last failure that may pass, if there is one: then the answer is worth another try.
    """
    waiting, failure = list(speakers[1:]), None
    while True:
        try:
            async with aclosing(_answer(run, around, so_far, first=first)) as events:
                async for event in events:
                    yield event
            return
        except TextDiffers:  # another version of the model, say: the same one, from the beginning
            again = run.speaker
        except (ModelUnavailable, ModelRefused) as error:
            _FAILURES.labels(run.model.name).inc()
            failure = error if failure is None or isinstance(error, ModelUnavailable) else failure
            if not waiting:
                raise failure from error
            again = waiting.pop(0)
            _FALLBACKS.labels(again.model.name, run.model.name).inc()
            log.warning("the next model answers", model=again.model.name, instead_of=run.model.name, error=str(error))
        run = run._replace(number=run.number + 1, speaker=again)
        so_far, first = so_far._replace(texts=()), [run.started(0)]
        around.delivery.afresh()


async def _answer(run: Attempt, around: Around, so_far: AnswerSoFar, *, first: Sequence[Event]) -> AsyncGenerator[Event, None]:
    """The answer as soon as the model has a slot for it. Nobody who waits for one is kept from the sources, or from cancelling."""
    if so_far.texts and not so_far.said_by(run.model):  # another worker had begun anew while this one read
        raise TextDiffers("What is out is another model's.")
    query = Query.of(run.found)
    with run.speaker.slots.place(query.tenant) as place, around.cancellations.listening(query, place.leave):
        if place.waits:
            for event in first:
                yield event
            first = ()
            if not _cancelled_by(query, around, so_far):
                with around.delivery.untimed():
                    await place.turn()
        async with aclosing(_spoken(run, around, so_far, first=first)) as events:
            async for event in events:
                yield event


async def _spoken(run: Attempt, around: Around, so_far: AnswerSoFar, *, first: Sequence[Event]) -> AsyncGenerator[Event, None]:
    """What comes before the first token, tokens behind what is out, then the terminal event."""
    begun, text, index = time.perf_counter(), so_far.text, len(so_far.texts)
    query = Query.of(run.found)
    in_vain, stream = around.delivery.in_vain, TokenStream(run.model, run.brief.prompt, skip=text)
    with _noted(run, stream, in_vain):
        async with stream:
            with around.cancellations.listening(query, stream.stop):
                if _cancelled_by(query, around, so_far):  # asked behind the listener: none is missed in between
                    stream.stop()
                await stream.soon(_TOGETHER_S if first else 0)
                for event in first:
                    yield event
                async for piece in stream:
                    yield run.token(index, piece)
                    text, index = text + piece, index + 1
        if stream.stopped:
            yield run.cancelled(_cancelled_by(query, around, so_far) or "", index, [*in_vain, *run.paid(stream.written)])
            return
        took_ms = round((time.perf_counter() - begun) * 1000, 3)
        verdict = await around.moderation.of_answer(text) if run.speaker.by_a_model else Verdict()
        finish = stream.finish if in_vain else run.whole(stream.finish, so_far.text)  # what failed here is counted already
        yield run.completed(Ended(text, finish, index, took_ms, stream.dropped_citations, verdict, in_vain))


@contextmanager
def _noted(run: Attempt, stream: TokenStream, in_vain: list[Paid]) -> Iterator[None]:
    """What the model took if this does not come to its end, be it for the log's sake."""
    try:
        yield
    except BaseException:
        in_vain.extend(run.paid(stream.written))
        raise


def _cancelled_by(query: Query, around: Around, so_far: AnswerSoFar) -> str | None:
    return so_far.cancelled_by or around.cancellations.cancelled_by(query)
