"""Errors as RFC 9457 problem details: what is wrong, and what to do about it. Installed on the app by api/app.py.

Every answer with a status of 400 or more has this form, also those that the framework makes itself; on OpenAI's paths it has OpenAI's.
What is unexpected says nothing of its inside; `instance` names the trace, which the log line names too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.protocols.openai_problems import problem_in_openai_form, speaks_openai
from connectors.observability import traceparent_of
from schemas import errors
from schemas.errors import RoxyError
from schemas.http_bodies import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:roxy:problem:"
RETRY_AFTER_S = 2
#: The first class in an error's family line that is listed here decides.
STATUS: Mapping[type[RoxyError], int] = {
    errors.MalformedCursor: 400,
    errors.InvalidSessionId: 404,
    errors.InvalidInput: 422,
    errors.NotAuthenticated: 401,
    errors.TooManyConnections: 429,
    errors.TooManyQuestions: 429,
    errors.IdempotencyConflict: 409,
    errors.AlreadyReviewed: 409,
    errors.Refused: 403,
    errors.NotFound: 404,
    errors.Unavailable: 503,
    errors.SlowReader: 503,
    RoxyError: 500,
}
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": str(RETRY_AFTER_S)},
    503: {"Retry-After": str(RETRY_AFTER_S)},
}
_REMEDIES: Mapping[int, str] = {
    400: "Send a body in UTF-8 that is of the type it claims.",
    404: "See /openapi.json for the paths that there are.",
    405: "See the Allow header for the methods of this path.",
    413: "Send less. The limits are set by ROXY_MAX_QUERY_CHARS and ROXY_MAX_DOCUMENT_BYTES.",
    415: "Send application/json, text/markdown, text/plain, text/html, application/pdf, or a DOCX file.",
    422: "Correct what `errors` names, and send it again.",
    500: "Look in the server's log for the trace that `instance` names.",
}


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(RoxyError, _roxy_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def problem_of(error: RoxyError) -> Problem:
    """What a problem says of an error of ours."""
    title = " ".join((type(error).__doc__ or "").split()).partition(". ")[0].rstrip(".")
    return Problem(type=TYPE + error.slug(), title=title, status=status_of(error), detail=error.detail, remedy=error.remedy, instance=instance())


def status_of(error: RoxyError) -> int:
    return next(STATUS[family] for family in type(error).__mro__ if family in STATUS)


def instance() -> str:
    """Names the request, as the log does."""
    return f"urn:roxy:trace:{traceparent_of(trace.get_current_span()).split('-')[1]}"


def unexpected(path: str) -> Response:
    """For an error that nobody foresaw."""
    return problem_response(path, _http_problem(500, "The server made an error."))


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation may answer with, for the OpenAPI document; every operation may answer some."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _phrase(status), "content": content} for status in sorted({*statuses, 400, 401, 403, 413, 422, 500, 503})}


async def _roxy_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RoxyError)
    problem = problem_of(error)
    if problem.status >= 500:
        structlog.get_logger(__name__).warning("refused", problem=error.slug(), detail=error.detail)
    return problem_response(request.url.path, problem, _retry_after(error))


def _retry_after(error: RoxyError) -> dict[str, str]:
    """What the error itself says of when to come back, in whole seconds."""
    seconds = getattr(error, "retry_after_s", 0.0)
    return {"Retry-After": str(math.ceil(seconds))} if seconds else {}


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = [FieldProblem(where=".".join(str(part) for part in each["loc"]), problem=str(each["msg"])) for each in error.errors()]
    return problem_response(request.url.path, _http_problem(422, f"{wrong[0].where}: {wrong[0].problem}.", errors=wrong))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {})}
    if error.status_code == 405 and (allowed := _allowed(request)):
        headers["Allow"] = allowed
    return problem_response(request.url.path, _http_problem(error.status_code, str(error.detail)), headers)


def _allowed(request: Request) -> str:
    """All methods of a path; the router knows only those of the first route that has the path."""
    path = getattr(request.scope.get("route"), "path_format", "")
    return ", ".join(sorted(method.upper() for method in request.app.openapi()["paths"].get(path, ())))


def _http_problem(status: int, detail: str, **more: Any) -> Problem:
    phrase = _phrase(status)
    remedy = _REMEDIES.get(status, "Correct the request and send it again.")
    slug = phrase.lower().replace(" ", "-")
    return Problem(type=TYPE + slug, title=phrase, status=status, detail=detail, remedy=remedy, instance=instance(), **more)


def _phrase(status: int) -> str:
    """RFC 9110's name; Python says it only from 3.13 on."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(status).phrase


def problem_response(path: str, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """In the form that whoever calls this path reads."""
    headers = {**_HEADERS.get(problem.status, {}), **(headers or {})}
    if speaks_openai(path):
        return Response(orjson.dumps(problem_in_openai_form(problem)), problem.status, headers, "application/json")
    return Response(orjson.dumps(problem.model_dump(exclude_none=True)), problem.status, headers, MEDIA_TYPE)
