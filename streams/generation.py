"""Generation: a question and its chunks to an answer, token by token. The step of topic `retrievals`.

An answer survives its worker: what a worker before has put into the session's log counts, and this one goes on behind it.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from connectors.language_model.base import Finish, LanguageModel, Prompt
from schemas.errors import RoxyError, Unavailable
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    ChunksRetrieved,
    Citation,
    Event,
    GenerationStarted,
    TokensGenerated,
    answer_id_of,
)
from streams.answer_so_far import AnswerSoFar
from streams.cancellations import Cancellations, Query
from streams.outlet import Output
from streams.token_stream import TextDiffers, TokenStream

#: What comes before the first token waits so long for it, to go out in the same request: sent alone, it would hold the token back for
#: a round trip, because a partition has one request under way at a time.
_TOGETHER_S = 0.005
_CITATION = re.compile(r"\[(\d{1,3})\]")

ReadBack = Callable[[ChunksRetrieved], Awaitable[AnswerSoFar]]


class Attempt(NamedTuple):
    """One worker's go at one answer."""

    found: ChunksRetrieved
    number: int

    @property
    def answer_id(self) -> str:
        return answer_id_of(self.found.query_id)

    def fields(self, part: str) -> dict[str, Any]:
        """What all events of the attempt hold; `part` makes the id."""
        found = self.found
        return {
            "id": f"{self.answer_id}:{part}",
            "tenant": found.tenant,
            "session_id": found.session_id,
            "query_id": found.query_id,
            "answer_id": self.answer_id,
            "attempt": self.number,
        }


async def generate(
    found: ChunksRetrieved,
    *,
    attempt: int,
    redelivered: bool,
    model: LanguageModel,
    cancellations: Cancellations,
    read_back: ReadBack,
) -> AsyncGenerator[Output, None]:
    """Events of the answer, in order: ChunksRetrieved, GenerationStarted, TokensGenerated…, and one terminal event.

    Of a redelivered record the session's log is read back, before the attempt begins and again behind its GenerationStarted, which
    fences off every attempt before: what an older one wrote up to there counts, what it writes later does not.
    """
    so_far = await read_back(found) if redelivered else AnswerSoFar()
    run = Attempt(found, attempt)
    if so_far.ended:
        yield _audit(so_far)
        return
    resumes_at = 0 if model.resumes == "restart" else len(so_far.texts)
    first: list[Event] = [_started(run, model, resumes_at)] if so_far.found else [found, _started(run, model, resumes_at)]
    if redelivered:
        while first:
            yield first.pop(0)
        so_far = await read_back(found)
        if so_far.ended:
            yield _audit(so_far)
            return
    try:
        so_far = so_far._replace(texts=so_far.texts[:resumes_at])
        async with aclosing(_answer(run, model, cancellations, so_far, first=first)) as events:
            async for event in events:
                yield event
    except TextDiffers:  # another version of the model, say: what is out is void, and readers are told so
        again = run._replace(number=run.number + 1)
        anew = _answer(again, model, cancellations, so_far._replace(texts=()), first=[_started(again, model, 0)])
        async with aclosing(anew) as events:
            async for event in events:
                yield event


def _audit(so_far: AnswerSoFar) -> Sequence[Event]:
    """The session holds the end of the answer; whether the audit record came out too, before its worker died, nobody knows: once more."""
    return (so_far.completed,) if so_far.completed is not None else ()


async def _answer(
    run: Attempt, model: LanguageModel, cancellations: Cancellations, so_far: AnswerSoFar, *, first: Sequence[Event]
) -> AsyncGenerator[Event, None]:
    """What comes before the first token, tokens behind what is out, then the terminal event."""
    begun, text, index = time.perf_counter(), so_far.text, len(so_far.texts)
    query = Query.of(run.found)
    prompt = Prompt(run.found.understanding.text, run.found.chunks)
    async with TokenStream(model, prompt, skip=text) as stream:
        with cancellations.listening(query, stream.stop):
            if so_far.cancelled_by or cancellations.cancelled_by(query):  # asked behind the listener: none is missed in between
                stream.stop()
            await stream.soon(_TOGETHER_S if first else 0)
            for event in first:
                yield event
            async for piece in stream:
                yield TokensGenerated(**run.fields(f"{run.number}:{index}"), index=index, text=piece)
                text, index = text + piece, index + 1
        if stream.stopped:
            yield _cancelled(run, so_far.cancelled_by or cancellations.cancelled_by(query) or "", index)
            return
    yield _completed(run, model, text, stream.finish, index, begun)


def answer_failed(tenant: str, session_id: str, query_id: str, attempt: int, error: RoxyError) -> AnswerFailed:
    """AnswerFailed with the error's message and remedy."""
    answer_id = answer_id_of(query_id)
    return AnswerFailed(
        id=f"{answer_id}:end",
        tenant=tenant,
        session_id=session_id,
        query_id=query_id,
        answer_id=answer_id,
        attempt=attempt,
        error=error.slug(),
        detail=error.detail,
        remedy=error.remedy,
        retryable=isinstance(error, Unavailable),
    )


def cited(text: str, found: ChunksRetrieved) -> tuple[Citation, ...]:
    """The chunks that the text's `[n]` stand for, in order of first mention; a number that was not retrieved stands for nothing."""
    chunks = {chunk.rank: chunk for chunk in found.chunks}
    numbers = dict.fromkeys(int(number) for number in _CITATION.findall(text))
    return tuple(
        Citation(
            number=number,
            chunk_id=chunks[number].chunk_id,
            document_id=chunks[number].document_id,
            title=chunks[number].title,
            source=chunks[number].source,
            heading_path=chunks[number].heading_path,
        )
        for number in numbers
        if number in chunks
    )


def _started(run: Attempt, model: LanguageModel, resumes_at: int) -> GenerationStarted:
    fields = run.fields(f"{run.number}:started")
    return GenerationStarted(**fields, resumes_at=resumes_at, model=model.name, parameters=model.parameters)


def _cancelled(run: Attempt, cancelled_by: str, index: int) -> AnswerCancelled:
    return AnswerCancelled(**run.fields("end"), cancelled_by=cancelled_by, tokens_end=index)


def _completed(run: Attempt, model: LanguageModel, text: str, finish: Finish, index: int, begun: float) -> AnswerCompleted:
    citations = cited(text, run.found)
    return AnswerCompleted(
        **run.fields("end"),
        question=run.found.question,
        text=text,
        answered=bool(citations),
        citations=citations,
        model=model.name,
        parameters=model.parameters,
        prompt=finish.prompt,
        usage=finish.usage,
        finish_reason=finish.reason,
        tokens_end=index,
        took_ms=round((time.perf_counter() - begun) * 1000, 3),
    )
