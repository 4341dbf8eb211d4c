"""The benches' own HTTP: as little work as can be done, so that what is measured is the server."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, cast

import orjson

_STATUS = re.compile(rb"HTTP/1\.1 (\d+)")
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)


class NotServed(RuntimeError):
    """The server answered, but not with what was asked for."""

    def __init__(self, request: str, head: bytes, body: bytes) -> None:
        super().__init__(f"{request}: {head[:60]!r} {body[:300]!r}")
        status = _STATUS.match(head)
        self.status = int(status[1]) if status else 0
        self.says_when = _RETRY_AFTER.search(head) is not None  #: to come back


class Connection:
    """One kept-alive connection for requests with bodies of known length."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._writer.close()

    @property
    def cut(self) -> bool:
        """The server has closed it, as it does with one that nobody uses."""
        return self._reader.at_eof()

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises NotServed for anything but success."""
        content = orjson.dumps(body)
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self._writer.write(head.encode() + content)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
        received = await self._reader.readexactly(length)
        if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201", b"HTTP/1.1 202")):
            raise NotServed(f"POST {path}", answer, received)
        return dict(orjson.loads(received))


class Stream(asyncio.Protocol):
    """An SSE connection. `took(bytes, nanoseconds)` is called with whatever arrives after the response's head."""

    def __init__(self, host: str, path: str, took: Callable[[bytes, int], None], last_id: str = "") -> None:
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n"
        self._request = (head + (f"Last-Event-ID: {last_id}\r\n" if last_id else "") + "\r\n").encode()
        self._took = took
        self._head = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    @classmethod
    async def open(cls, host: str, port: int, path: str, took: Callable[[bytes, int], None], *, last_id: str = "") -> Stream:
        """Connect and wait for the stream's first bytes. `last_id`: where it was left. Raises NotServed, OSError."""
        _, stream = await asyncio.get_running_loop().create_connection(lambda: cls(host, path, took, last_id), host, port)
        try:
            await stream.opened
        except BaseException:
            stream.close()
            raise
        return stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time_ns()
        if not self.opened.done():
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            status = _STATUS.match(head)
            if status is None or status[1] != b"200":
                self.opened.set_exception(NotServed("GET", head, data))
                return
            self.opened.set_result(None)
        self._took(data, now)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"the stream closed before it opened: {exc}"))
        self.closed.set_result(None)

    def close(self) -> None:
        self.transport.close()
