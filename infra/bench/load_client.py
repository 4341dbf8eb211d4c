"""One client of the load: its session, its stream, and the operations that it does. It notices what is lost, doubled or cut."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from infra.bench.answer_watch import AnswerWatch
from infra.bench.wire import Connection, NotServed, Stream
from infra.ports import LOOPBACK
from schemas.settings import Placement

_ID = re.compile(rb"^id: (\S+)$", re.MULTILINE)
_QUERY = re.compile(rb'"query_id":"([^"]+)"')
_COME_BACK_S = 1.0


class Gap(Exception):
    """The server says that records are gone that the client has not seen."""


class Posts:
    """Kept-alive connections to one API process: as many as are in use at a time, since an open loop waits for none."""

    def __init__(self, port: int) -> None:
        self._port, self._idle = port, list[Connection]()

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises NotServed, OSError, EOFError."""
        while self._idle:
            connection = self._idle.pop()
            try:
                if not connection.cut:
                    return await self._over(connection, path, body)
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise  # else it was closed for being idle, while the request was on its way
            await connection.__aexit__()
        return await self._over(await Connection(LOOPBACK, self._port).__aenter__(), path, body)

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().__aexit__()

    async def _over(self, connection: Connection, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await connection.post(path, body)
        except NotServed:
            self._idle.append(connection)
            raise
        except BaseException:
            await connection.__aexit__()  # a timeout too: its answer would be the next request's
            raise
        self._idle.append(connection)
        return answer


class LoadClient:
    """Asks in one session and reads its stream all the time."""

    def __init__(self, port: int, posts: Posts) -> None:
        self._port, self._posts = port, posts
        self._stream: Stream | None = None
        self._links: dict[str, str] = {}
        self._cursor, self._rest = "", b""
        self._watches: dict[str, AnswerWatch] = {}
        self._gaps = 0
        self._gone = False
        self.lost = 0  #: streams that the server ended
        self.answered: str | None = None  #: a query that has an answer nobody has judged
        self.coming_back = False

    async def start(self, placement: Placement) -> None:
        """Make the session and open its stream."""
        session = await self._posts.post("/v1/sessions", {"placement": placement})
        self._links = session["links"]
        await self._open(session["cursor"])

    def stop(self) -> None:
        self._gone = True
        if self._stream is not None:
            self._stream.close()

    async def ask(self, text: str) -> tuple[float, AnswerWatch]:
        """When the question was accepted (`time.time_ns`), and its answer, whole. Raises Gap and what posts raise."""
        gaps = self._gaps
        query = (await self._posts.post(self._links["queries"], {"text": text}))["query_id"]
        accepted_ns = time.time_ns()
        async with self._watched(query) as watch:
            await watch.ended.wait()
        self.answered = query
        if self._gaps > gaps:
            raise Gap
        return accepted_ns, watch

    async def give_feedback(self, query: str, up: bool) -> None:
        await self._posts.post(self._links["feedback"], {"query_id": query, "thumb": "up" if up else "down"})

    async def submit(self, document_id: str, text: str) -> None:
        await self._posts.post("/v1/documents", {"document_id": document_id, "text": text})

    async def resume(self) -> None:
        """Drop the stream and come back with the last id. Raises Gap, NotServed, OSError."""
        gaps, self.coming_back = self._gaps, True
        if self._stream is not None:
            self._stream.close()
        try:
            await self._open(self._cursor)
        except BaseException:
            self._task = asyncio.ensure_future(self._come_back())
            raise
        self.coming_back = False
        if self._gaps > gaps:
            raise Gap

    async def _open(self, cursor: str) -> None:
        self._rest, self._cursor, self._stream = b"", cursor, None
        stream = await Stream.open(LOOPBACK, self._port, self._links["events"], self._take, last_id=cursor)
        self._stream = stream
        stream.closed.add_done_callback(lambda _: self._was_closed(stream))

    def _was_closed(self, stream: Stream) -> None:
        if stream is self._stream and not self._gone and not self.coming_back:
            self.lost += 1
            self._task = asyncio.ensure_future(self._come_back())

    async def _come_back(self) -> None:
        """As browsers do it: until it succeeds."""
        self.coming_back = True
        while not self._gone:
            await asyncio.sleep(_COME_BACK_S)
            try:
                await self._open(self._cursor)
                break
            except (NotServed, OSError):
                continue
        self.coming_back = False

    @asynccontextmanager
    async def _watched(self, query: str) -> AsyncIterator[AnswerWatch]:
        watch = self._watches.setdefault(query, AnswerWatch())
        try:
            yield watch
        finally:
            self._watches.pop(query, None)

    def _take(self, data: bytes, now_ns: int) -> None:
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            if (cursor := _ID.search(frame)) is not None:
                self._cursor = cursor[1].decode()
            if b"event: gap" in frame:
                self._gaps += 1
            elif (found := _QUERY.search(frame)) is not None:
                query = found[1].decode()
                if b"event: QueryAsked" in frame:  # may come before the reply to the question
                    self._watches.setdefault(query, AnswerWatch())
                if query in self._watches:
                    self._watches[query].take(frame + b"\n\n", now_ns)
