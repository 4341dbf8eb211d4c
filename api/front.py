"""What every request passes through first: one log line and one count per request, the limit on bodies, and unforeseen errors.

Plain ASGI, not Starlette's BaseHTTPMiddleware, which would put a queue and a task between a stream and its socket.
"""

from __future__ import annotations

import time

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.metrics import Metrics
from api.problems import unexpected
from schemas.settings import Settings

_QUIET = ("/health/", "/metrics")
_DOCUMENTS = "/v1/documents"
_OTHER_FIELDS = 65_536  # bytes for what a body holds beside its text; feedback's longest correction fits 6 times over with the question's room


class Front:
    """Wraps the app."""

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clear_contextvars()
        bind_contextvars(method=scope["method"], path=scope["path"])
        answer = _Answer(send)
        began = time.perf_counter()
        try:
            await self._app(scope, _limited(receive, scope, self._most_bytes(scope["path"])), answer.send)
        except Exception:
            structlog.get_logger(__name__).exception("unforeseen_error")
            if answer.status:
                raise  # the server cuts the connection
            await unexpected(scope["path"])(scope, receive, answer.send)
        finally:
            self._note(scope, answer, time.perf_counter() - began)

    def _most_bytes(self, path: str) -> int:
        """JSON may spell a character in 12 bytes (a surrogate pair), and base64 makes 4 bytes of 3."""
        if path.startswith(_DOCUMENTS):
            return self._settings.max_document_bytes * 2 + _OTHER_FIELDS
        return self._settings.max_query_chars * 12 + 16 * _OTHER_FIELDS

    def _note(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(scope["method"], route, answer.status).inc()
        if not answer.is_stream:
            self._metrics.request_seconds.labels(route).observe(seconds)
        log = structlog.get_logger("api.access")
        (log.debug if scope["path"].startswith(_QUIET) else log.info)("request", status=answer.status, ms=round(seconds * 1000, 1))


class _Answer:
    """Looks at an answer on its way out."""

    __slots__ = ("_send", "is_stream", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.is_stream = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.is_stream = any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in message["headers"])
        await self._send(message)


def _limited(receive: Receive, scope: Scope, most: int) -> Receive:
    """`receive` that refuses a body beyond the limit: at once if it says its length, else while it is read."""
    claimed = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    read = int(claimed) if claimed.isdigit() and int(claimed) > most else 0

    async def limited() -> Message:
        nonlocal read
        message = await receive() if read <= most else {"type": "http.request"}
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413, f"The body is larger than {most} bytes.")
        return message

    return limited
