"""Errors in the form that OpenAI's clients read, on OpenAI's paths. The status, the words and the slug are the problem's own (api/problems.py)."""

from __future__ import annotations

from typing import Any

from schemas.http_bodies import Problem

_PATHS = ("/v1/chat/completions", "/v1/models", "/v1/responses")


def speaks_openai(path: str) -> bool:
    """Whether who calls this path expects OpenAI's form."""
    return path.startswith(_PATHS)


def problem_in_openai_form(problem: Problem) -> dict[str, Any]:
    """`code` is the problem's slug, `param` the first field that is wrong."""
    field = problem.errors[0].where.removeprefix("body.") if problem.errors else None
    code = problem.type.rpartition(":")[2]
    return {"error": {"message": f"{problem.detail} {problem.remedy}".strip(), "type": _kind(problem.status), "param": field, "code": code}}


def _kind(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    if status == 401:
        return "authentication_error"
    return "invalid_request_error" if status < 500 else "server_error"
