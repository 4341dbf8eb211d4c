"""What the OpenAPI document says of OpenAI's routes; their requests and their answers are OpenAI's, see its own reference."""

from __future__ import annotations

from typing import Any

from api.problems import refusals
from schemas.errors import UnknownModel
from schemas.openai_bodies import MODEL

_PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAiProblem"}}}
_FRAME = {
    "type": "object",
    "description": "One event, as OpenAI's reference has it.",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
}


def openai_refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Like refusals(), in OpenAI's form."""
    return {status: {**refusal, "content": _PROBLEM} for status, refusal in refusals(*statuses).items()}


def whole_or_stream(what: str) -> dict[int | str, dict[str, Any]]:
    """An answer of status 200, as a whole or as it comes."""
    schema = {"type": "object", "required": ["id", "object"], "properties": {"id": {"type": "string"}, "object": {"const": what}}}
    return {
        200: {
            "description": f"A {what}, or its stream.",
            "content": {"application/json": {"schema": schema}, "text/event-stream": {"schema": _FRAME}},
        }
    }


def require_model(name: str) -> None:
    """Raises UnknownModel: to answer with another one than was asked for would be a lie."""
    if name != MODEL:
        raise UnknownModel
