"""An answer as OpenAI's Response object: a pure function of the answer's place and of what its records came to.

Format: https://platform.openai.com/docs/api-reference/responses/object. What the request said of sampling and tools is not in the log, so it
is not repeated: the same id gives the same object at whatever API process.
"""

from __future__ import annotations

from typing import Any, Literal

from api.protocols.citations import file_citation, marks_in
from schemas.events import AnswerCompleted, AnswerFailed, Usage
from schemas.openai_bodies import MODEL
from schemas.response_id import AnswerPlace

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
_ALWAYS: dict[str, Any] = {
    "object": "response",
    "model": MODEL,
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": False,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


def response_object(
    response_id: str, place: AnswerPlace, status: Status, output: list[dict[str, Any]], end: AnswerCompleted | AnswerFailed | None = None
) -> dict[str, Any]:
    """The object. `end` is the answer's last record, if it has one that says more than the status."""
    whole = end if isinstance(end, AnswerCompleted) else None
    return {
        "id": response_id,
        "created_at": place.created,
        "status": status,
        **_ALWAYS,
        "conversation": {"id": place.session.id},
        "error": _error(end) if isinstance(end, AnswerFailed) else None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "metadata": {"session_id": place.session.id, "query_id": place.query_id, **(_about(whole) if whole else {})},
        "output": output,
        "usage": _usage(whole.usage) if whole else None,
    }


def said(said_id: str, status: Literal["in_progress", "completed", "incomplete"], content: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer's text, as a part of the output."""
    return {"id": said_id, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str, annotations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A text with its annotations."""
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": []}


def annotations_of(event: AnswerCompleted) -> list[dict[str, Any]]:
    return [file_citation(mark) for mark in marks_in(event.text, event.citations)]


def _about(event: AnswerCompleted) -> dict[str, str]:
    """What the protocol has no word for; metadata is texts."""
    cached = {"cached": event.cached.kind, "cached_answer": event.cached.answer_id} if event.cached else {}
    return {"language_model": event.model, **cached}


def _error(event: AnswerFailed) -> dict[str, Any]:
    """OpenAI's codes are a closed list; the sentence says which of ours it was."""
    return {"code": "server_error", "message": f"{event.detail} {event.remedy} ({event.error})"}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
