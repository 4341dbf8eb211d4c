"""Generation: a question and its chunks to an answer, token by token. The step of topic `retrievals`.

An answer survives its worker: what a worker before has put into the session's log counts, and this one goes on behind it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from schemas.events import ChunksRetrieved, Event
from streams.answer_so_far import AnswerSoFar
from streams.answering.attempt import Attempt, Ended
from streams.answering.brief import Brief
from streams.cancellations import Cancellations, Query
from streams.outlet import Output
from streams.token_stream import TextDiffers, TokenStream

#: What comes before the first token waits so long for it, to go out in the same request: sent alone, it would hold the token back for
#: a round trip, because a partition has one request under way at a time.
_TOGETHER_S = 0.005

ReadBack = Callable[[ChunksRetrieved], Awaitable[AnswerSoFar]]


async def generate(
    brief: Brief, *, attempt: int, redelivered: bool, cancellations: Cancellations, read_back: ReadBack
) -> AsyncGenerator[Output, None]:
    """Events of the answer, in order: ChunksRetrieved, GenerationStarted, TokensGenerated…, and one terminal event.

    Of a redelivered record the session's log is read back, before the attempt begins and again behind its GenerationStarted, which
    fences off every attempt before: what an older one wrote up to there counts, what it writes later does not.
    """
    so_far = await read_back(brief.found) if redelivered else AnswerSoFar()
    run = Attempt(brief, attempt, brief.speakers[0])
    if so_far.ended:
        yield _audit(so_far)
        return
    resumes_at = 0 if run.model.resumes == "restart" else len(so_far.texts)
    first: list[Event] = [run.started(resumes_at)] if so_far.found else [brief.found, run.started(resumes_at)]
    if redelivered:
        while first:
            yield first.pop(0)
        so_far = await read_back(brief.found)
        if so_far.ended:
            yield _audit(so_far)
            return
    try:
        so_far = so_far._replace(texts=so_far.texts[:resumes_at])
        async with aclosing(_answer(run, cancellations, so_far, first=first)) as events:
            async for event in events:
                yield event
    except TextDiffers:  # another version of the model, say: what is out is void, and readers are told so
        again = run._replace(number=run.number + 1)
        async with aclosing(_answer(again, cancellations, so_far._replace(texts=()), first=[again.started(0)])) as events:
            async for event in events:
                yield event


def _audit(so_far: AnswerSoFar) -> Sequence[Event]:
    """The session holds the end of the answer; whether the audit record came out too, before its worker died, nobody knows: once more."""
    return (so_far.completed,) if so_far.completed is not None else ()


async def _answer(run: Attempt, cancellations: Cancellations, so_far: AnswerSoFar, *, first: Sequence[Event]) -> AsyncGenerator[Event, None]:
    """What comes before the first token, tokens behind what is out, then the terminal event."""
    begun, text, index = time.perf_counter(), so_far.text, len(so_far.texts)
    query = Query.of(run.found)
    async with TokenStream(run.model, run.brief.prompt, skip=text) as stream:
        with cancellations.listening(query, stream.stop):
            if so_far.cancelled_by or cancellations.cancelled_by(query):  # asked behind the listener: none is missed in between
                stream.stop()
            await stream.soon(_TOGETHER_S if first else 0)
            for event in first:
                yield event
            async for piece in stream:
                yield run.token(index, piece)
                text, index = text + piece, index + 1
        if stream.stopped:
            yield run.cancelled(so_far.cancelled_by or cancellations.cancelled_by(query) or "", index)
            return
    yield run.completed(Ended(text, stream.finish, index, round((time.perf_counter() - begun) * 1000, 3)))
