"""Generation: a question and its chunks to an answer, token by token. The step of topic `retrievals`.

An answer survives its worker: what a worker before has put into the session's log counts, and this one goes on behind it. It survives its
model too: when one fails, the next one begins the answer anew.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import structlog
from prometheus_client import Counter

from schemas.errors import ModelRefused, ModelUnavailable
from schemas.events import ChunksRetrieved, Event
from streams.answer_so_far import AnswerSoFar
from streams.answering.attempt import Attempt, Ended
from streams.answering.brief import Brief
from streams.answering.moderation import NOBODY, Moderation, Verdict
from streams.answering.speaker import Speaker
from streams.answering.writing import Writing
from streams.cancellations import Cancellations
from streams.outlet import Output
from streams.step import Delivery
from streams.token_stream import TextDiffers, TokenStream

#: What comes before the first token waits so long for it, to go out in the same request: sent alone, it would hold the token back for
#: a round trip, because a partition has one request under way at a time.
_TOGETHER_S = 0.005

_FAILURES = Counter("roxy_model_failures", "Answers that a language model did not finish.", ["model"])
_FALLBACKS = Counter("roxy_model_fallbacks", "Answers begun anew by the next model.", ["model", "instead_of"])

ReadBack = Callable[[ChunksRetrieved], Awaitable[AnswerSoFar]]
Briefing = Callable[[], Awaitable[Brief]]

log = structlog.get_logger(__name__)


async def generate(
    found: ChunksRetrieved,
    delivery: Delivery,
    *,
    briefing: Briefing,
    cancellations: Cancellations,
    read_back: ReadBack,
    moderation: Moderation = NOBODY,
) -> AsyncGenerator[Output, None]:
    """Events of the answer, in order: ChunksRetrieved, GenerationStarted, TokensGenerated…, and one terminal event.

    Of a redelivered record the session's log is read back, before anybody is asked anything and again behind the attempt's GenerationStarted,
    which fences off every attempt before: what an older one wrote up to there counts, what it writes later does not.
    """
    so_far = await read_back(found) if delivery.redelivered else AnswerSoFar()
    if so_far.ended:
        yield so_far.audit
        return
    brief = await briefing()
    speakers = _in_turn(brief.speakers, so_far)
    writing = Writing(Attempt(brief, delivery.attempt, speakers[0]), so_far, delivery, cancellations)
    if delivery.redelivered:
        for event in writing.beginning():
            yield event
        so_far = await read_back(found)
        if so_far.ended:
            yield so_far.audit
            return
        writing.goes_on_behind(so_far)
    async with aclosing(_by_one_of(speakers, writing, moderation)) as events:
        async for event in events:
            yield event


def _in_turn(speakers: Sequence[Speaker], so_far: AnswerSoFar) -> list[Speaker]:
    """Who has said what is out goes first, if it is known here; then all others in their order."""
    return sorted(speakers, key=lambda speaker: not (so_far.texts and so_far.said_by(speaker.model)))


async def _by_one_of(speakers: Sequence[Speaker], writing: Writing, moderation: Moderation) -> AsyncGenerator[Event, None]:
    """The first speaker's answer. If it fails, what is out is void, readers are told so, and the next one begins anew.

    Raises the last failure that may pass, if there is one: then the answer is worth another try.
    """
    waiting, failure = list(speakers[1:]), None
    while True:
        model = writing.run.model
        try:
            async with aclosing(_answer(writing, moderation)) as events:
                async for event in events:
                    yield event
            return
        except TextDiffers:  # another version of the model, say: the same one, from the beginning
            again = writing.run.speaker
        except (ModelUnavailable, ModelRefused) as error:
            _FAILURES.labels(model.name).inc()
            failure = error if failure is None or isinstance(error, ModelUnavailable) else failure
            if not waiting:
                raise failure from error
            again = waiting.pop(0)
            _FALLBACKS.labels(again.model.name, model.name).inc()
            log.warning("the next model answers", model=again.model.name, instead_of=model.name, error=str(error))
        writing.begin_anew(again)


async def _answer(writing: Writing, moderation: Moderation) -> AsyncGenerator[Event, None]:
    """The answer as soon as the model has a slot for it. Nobody who waits for one is kept from the sources, or from cancelling."""
    if writing.out.texts and not writing.out.said_by(writing.run.model):  # another worker had begun anew while this one read
        raise TextDiffers("What is out is another model's.")
    with writing.run.speaker.slots.place(writing.making.query.tenant) as place, writing.listening(place.leave):
        if place.waits:
            for event in writing.beginning():
                yield event
            if not writing.cancelled_by:
                with writing.untimed():
                    await place.turn()
        async with aclosing(_spoken(writing, moderation)) as events:
            async for event in events:
                yield event


async def _spoken(writing: Writing, moderation: Moderation) -> AsyncGenerator[Event, None]:
    """What comes before the first token, tokens behind what is out, then the terminal event."""
    run, begun, text, index = writing.run, time.perf_counter(), writing.out.text, len(writing.out.texts)
    stream = TokenStream(run.model, run.brief.prompt, skip=text)
    with writing.noting(stream):
        async with stream:
            with writing.listening(stream.stop):
                if writing.cancelled_by:  # asked behind the listener: none is missed in between
                    stream.stop()
                await stream.soon(_TOGETHER_S if writing.first else 0)
                for event in writing.beginning():
                    yield event
                async for piece in stream:
                    yield run.token(index, piece)
                    text, index = text + piece, index + 1
        if stream.stopped:
            yield run.cancelled(writing.cancelled_by or "", index, [*writing.in_vain, *run.paid(stream.written)])
            return
        took_ms = round((time.perf_counter() - begun) * 1000, 3)
        verdict = await moderation.of_answer(text) if run.speaker.by_a_model else Verdict()
        yield run.completed(Ended(text, writing.whole(stream.finish), index, took_ms, stream.dropped_citations, verdict, writing.in_vain))
