"""Moments: what one event of a session says to whoever reads its history. Pure; infra/timeline.py puts them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from schemas.events import (
    NO_FILTERS,
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    ChunksRetrieved,
    Event,
    FeedbackGiven,
    FeedbackRetracted,
    GenerationStarted,
    QueryAsked,
    QueryCancelled,
    RegenerationAsked,
    RetrievedChunk,
)

Kind = Literal["asked", "found", "begun", "answer", "feedback", "odd"]


class Moment(NamedTuple):
    """Something that happened in a session."""

    time: str  #: RFC 3339; empty: not known
    who: str
    what: str
    words: str = ""  #: a question, an answer, a correction: as they are
    kind: Kind = "odd"


def moment_of(event: Event, text: str = "", *, taken_over: bool = False) -> Moment:
    """`text`: of an answer that ends. `taken_over`: another attempt had begun it."""
    tell = _TOLD.get(type(event))
    if tell is None:
        return Moment(event.time, "", event.type)
    moment = tell(event)
    what = f"takes over: {moment.what}" if taken_over else moment.what
    return moment._replace(time=event.time, what=what, words=moment.words or text)


def _asked(event: QueryAsked) -> Moment:
    filters = event.filters.model_dump(exclude_defaults=True) if event.filters != NO_FILTERS else {}
    return Moment("", event.asked_by, _sentence(f"asks {event.query_id}", _pairs("of", filters)), event.text, "asked")


def _regeneration(event: RegenerationAsked) -> Moment:
    again = "with chunks that are looked up again" if event.look_up_again else ""
    what = _sentence(f"asks for another answer, {event.sibling.answer_id}", _pairs("with", event.sibling.settings), again)
    return Moment("", event.sibling.asked_by, what, kind="asked")


def _cancelled(event: QueryCancelled) -> Moment:
    return Moment("", event.cancelled_by, f"asks {event.answer_id or 'all answers'} to stop", kind="asked")


def _found(event: ChunksRetrieved) -> Moment:
    what = _sentence(
        f"{len(event.chunks)} chunks in {event.took_ms:.0f} ms",
        f"for {event.sibling.answer_id}" if event.sibling else "",
        f"looked up as “{event.understanding.text}”" if event.understanding.text != event.question else "",
        f"without {' and '.join(event.degraded)}" if event.degraded else "",
        f"{' and '.join(event.cached)} known" if event.cached else "",
        f"generation {event.index.generation}" if event.index.generation else "",
    )
    return Moment("", "search", what, "\n".join(map(_chunk, event.chunks)), "found")


def _chunk(chunk: RetrievedChunk) -> str:
    scores = ", ".join(f"{name} {value:.3f}" for name, value in chunk.scores.model_dump(exclude_none=True).items())
    return f"[{chunk.rank}] {' › '.join(dict.fromkeys([chunk.title, *chunk.heading_path]))} ({scores}) {chunk.chunk_id}"


def _begun(event: GenerationStarted) -> Moment:
    prompt = event.parameters.get("prompt")
    what = _sentence(
        f"begins {event.answer_id}, attempt {event.attempt}",
        f"behind {event.resumes_at} pieces" if event.resumes_at else "",
        f"prompt {prompt}" if isinstance(prompt, str) else "",
        f"instead of {event.route.instead_of}" if event.route.instead_of else "",
        f"tier {event.route.tier}" if event.route.tier else "",
        _pairs("arms", event.arms),
        f"given before as {event.cached.answer_id}" if event.cached else "",
        f"refused for {event.refused}" if event.refused else "",
        f"screened {', '.join(each.where for each in event.screened)}" if event.screened else "",
    )
    return Moment("", event.model, what, kind="begun")


def _completed(event: AnswerCompleted) -> Moment:
    tokens = event.usage.prompt_tokens + event.usage.completion_tokens
    what = _sentence(
        f"{event.answer_id} is whole in {event.took_ms / 1000:.1f} s",
        "" if event.answered else "the documents do not hold the answer",
        f"cut at its longest ({event.finish_reason})" if event.finish_reason != "stop" else "",
        f"{tokens} tokens" if tokens else "",
        f"{event.cost.amount:.4f} {event.cost.currency}" if event.cost else "",
        f"cites {' '.join(f'[{citation.number}]' for citation in event.citations)}" if event.citations else "",
    )
    return Moment("", event.model, what, kind="answer")


def _failed(event: AnswerFailed) -> Moment:
    return Moment("", "", f"{event.answer_id} failed: {event.detail} {event.remedy}", kind="answer")


def _stopped(event: AnswerCancelled) -> Moment:
    return Moment("", event.cancelled_by, f"{event.answer_id} is stopped behind {event.tokens_end} pieces", kind="answer")


def _judged(event: FeedbackGiven) -> Moment:
    what = _sentence(
        f"judges {event.chunk_id or event.answer_id} ({event.feedback_id})",
        f"thumb {event.thumb}" if event.thumb else "",
        f"{event.stars} of 5 stars" if event.stars else "",
        f"better than {event.better_than}" if event.better_than else "",
        event.signal or "",
        f"tags {' '.join(event.tags)}" if event.tags else "",
        "corrects it" if event.correction else "",
    )
    return Moment("", event.given_by, what, "\n\n".join(each for each in (event.correction, event.comment) if each), "feedback")


def _retracted(event: FeedbackRetracted) -> Moment:
    return Moment("", event.retracted_by, f"takes back ({event.feedback_id})", kind="feedback")


def _sentence(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _pairs(word: str, values: Mapping[str, object]) -> str:
    return f"{word} {' '.join(f'{name}={_short(value)}' for name, value in values.items())}" if values else ""


def _short(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, str) else str(value)


_TOLD: Mapping[type[Event], Callable[[Any], Moment]] = {
    QueryAsked: _asked,
    RegenerationAsked: _regeneration,
    QueryCancelled: _cancelled,
    ChunksRetrieved: _found,
    GenerationStarted: _begun,
    AnswerCompleted: _completed,
    AnswerFailed: _failed,
    AnswerCancelled: _stopped,
    FeedbackGiven: _judged,
    FeedbackRetracted: _retracted,
}
