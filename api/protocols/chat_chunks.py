"""An answer as OpenAI's chat completion: its chunks as they come, and the whole. Pure folds of the answer's events.

Format: https://platform.openai.com/docs/api-reference/chat. Fields under `roxy` are ours; clients ignore what they do not know.
"""

from __future__ import annotations

from typing import Any

import orjson

from api.protocols.citations import marks_in, url_citation
from api.protocols.openai_problems import problem_in_openai_form
from api.protocols.told_text import ToldText
from schemas.errors import ShuttingDown
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Event, GenerationStarted, TokensGenerated, Usage
from schemas.http_bodies import Problem
from schemas.openai_bodies import MODEL
from schemas.response_id import AnswerPlace

DONE = b"data: [DONE]\n\n"
_CHANGED = {"message": "The answer began anew and became another one. Ask again.", "type": "server_error", "param": None, "code": "answer-changed"}


class ChatChunks:
    """The chunks of one answer."""

    def __init__(self, place: AnswerPlace, *, include_usage: bool) -> None:
        self._place, self._include_usage = place, include_usage
        self._text = ToldText()
        self._over = False

    def opening(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""}, roxy=_names(self._place))

    def take(self, event: Event) -> bytes:
        if self._over:
            return b""
        match event:
            case GenerationStarted():
                self._text.resume(event.resumes_at)
            case TokensGenerated():
                return self._told(self._text.add(event.text))
            case AnswerCompleted():
                return self._told(self._text.end(event.text)) + self._completed(event)
            case AnswerCancelled():
                return self._last({}, "stop", Usage(), {"status": "cancelled"})
            case AnswerFailed():
                return self._error(openai_error_of(event))
        return b""

    def failed(self, problem: Problem) -> bytes:
        return b"" if self._over else self._error(problem_in_openai_form(problem)["error"])

    def closing(self) -> bytes:
        error = ShuttingDown("The server ended the stream before the answer ended.")
        return b"" if self._over else self._error({"message": str(error), "type": "server_error", "param": None, "code": error.slug()})

    def _told(self, piece: str | None) -> bytes:
        if piece is None:  # a chunk cannot be taken back
            return self._error(_CHANGED)
        return self._chunk({"content": piece}) if piece else b""

    def _completed(self, event: AnswerCompleted) -> bytes:
        if self._over:
            return b""
        annotations = annotations_of(event)
        return self._last({"annotations": annotations} if annotations else {}, event.finish_reason, event.usage, about(event))

    def _last(self, delta: dict[str, Any], finish_reason: str, usage: Usage, roxy: dict[str, Any]) -> bytes:
        last = self._chunk(delta, finish_reason, roxy=roxy)
        self._over = True
        return last + (_frame(self._base([]) | {"usage": usage_of(usage)}) if self._include_usage else b"") + DONE

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _frame(self._base([choice]) | ({"usage": None} if self._include_usage else {}) | more)

    def _base(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {**_identity(self._place), "object": "chat.completion.chunk", "choices": choices}

    def _error(self, error: dict[str, Any]) -> bytes:
        self._over = True
        return _frame({"error": error})


def completion(place: AnswerPlace, event: AnswerCompleted) -> dict[str, Any]:
    """A whole answer."""
    said = {"role": "assistant", "content": event.text, "refusal": None, "annotations": annotations_of(event)}
    return _completion(place, said, event.finish_reason, event.usage, about(event))


def cancelled_completion(place: AnswerPlace, text: str) -> dict[str, Any]:
    """What there is of an answer that was stopped."""
    return _completion(place, {"role": "assistant", "content": text, "refusal": None}, "stop", Usage(), {"status": "cancelled"})


def openai_error_of(event: AnswerFailed) -> dict[str, Any]:
    return {"message": f"{event.detail} {event.remedy}".strip(), "type": "server_error", "param": None, "code": event.error}


def annotations_of(event: AnswerCompleted) -> list[dict[str, Any]]:
    return [url_citation(mark) for mark in marks_in(event.text, event.citations)]


def about(event: AnswerCompleted) -> dict[str, Any]:
    """What the protocol has no word for."""
    cited = [citation.model_dump() for citation in event.citations]
    cached = event.cached.model_dump() if event.cached else None
    return {"status": "completed", "answered": event.answered, "language_model": event.model, "citations": cited, "cached": cached}


def usage_of(usage: Usage) -> dict[str, int]:
    total = usage.prompt_tokens + usage.completion_tokens
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens, "total_tokens": total}


def _completion(place: AnswerPlace, said: dict[str, Any], finish_reason: str, usage: Usage, roxy: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": finish_reason}
    whole = {"object": "chat.completion", "choices": [choice], "usage": usage_of(usage), "roxy": {**_names(place), **roxy}}
    return {**_identity(place), **whole}


def _identity(place: AnswerPlace) -> dict[str, Any]:
    return {"id": f"chatcmpl-{place.query_id}", "created": place.created, "model": MODEL}


def _names(place: AnswerPlace) -> dict[str, Any]:
    return {"session_id": place.session.id, "query_id": place.query_id}


def _frame(content: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(content)
