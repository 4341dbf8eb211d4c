"""The API over memory backends, on a real port: endless streams cannot be tested without one."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.server import Server
from api.wiring import Wiring
from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import Context
from schemas.events import AnswerCompleted, Event, GenerationStarted, QueryAsked, TokensGenerated, answer_id_of
from schemas.session_id import Session
from schemas.settings import Settings

CONTEXT = Context("/test", "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")


class Frame(NamedTuple):
    """One frame of a stream, as a client sees it."""

    id: str
    event: str
    text: str
    retry: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Running:
    """A running API process, but in this process."""

    client: httpx2.AsyncClient
    server: Server
    wiring: Wiring
    log: MemorySessionLog
    journal: MemoryJournal
    base: str
    stopped: asyncio.Task[None] = field(repr=False)

    async def open_streams(self, count: int, tenant: str = "default") -> None:
        """Wait until so many are open."""
        await until(lambda: self.wiring.metrics.open_streams.labels(tenant)._value.get() == count)

    async def session(self, placement: str = "topic", **headers: str) -> dict[str, Any]:
        reply = await self.client.post("/v1/sessions", json={"placement": placement}, headers=headers)
        reply.raise_for_status()
        return dict(reply.json())

    def events_url(self, session_id: str) -> str:
        return f"/v1/sessions/{session_id}/events"

    @asynccontextmanager
    async def stream(self, session_id: str, headers: dict[str, str] | None = None, **params: Any) -> AsyncIterator[AsyncIterator[Frame]]:
        async with self.client.stream("GET", self.events_url(session_id), params=params, headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            yield frames_of(response)

    async def frames(self, session_id: str, count: int, headers: dict[str, str] | None = None, **params: Any) -> list[Frame]:
        """The first frames of a stream, without the priming one."""
        async with self.stream(session_id, headers, **params) as frames:
            await anext(frames)
            return [await anext(frames) for _ in range(count)]

    async def all_frames(self, session_id: str, headers: dict[str, str] | None = None, **params: Any) -> list[Frame]:
        """A stream that ends, without its priming frame."""
        async with self.stream(session_id, headers, **params) as frames:
            return [frame async for frame in frames][1:]

    async def write(self, session_id: str, events: Sequence[Event], tenant: str = "default") -> None:
        await self.log.append(Session(tenant, session_id), events, CONTEXT)


async def frames_of(response: httpx2.Response) -> AsyncIterator[Frame]:
    fields: dict[str, list[str]] = {}
    async for line in response.aiter_lines():
        if not line and fields:
            yield Frame(*("\n".join(fields.get(name, [""])) for name in ("id", "event", "data", "retry")))
            fields = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))


def an_answer(session_id: str, query_id: str = "q1", *, tokens: int = 4, attempt: int = 1, tenant: str = "default") -> list[Event]:
    """All records of one question."""
    query = {"tenant": tenant, "session_id": session_id, "query_id": query_id}
    answer = {**query, "answer_id": answer_id_of(query_id), "attempt": attempt}
    words = [f"word{index} " for index in range(tokens)]
    return [
        QueryAsked(id=f"{query_id}:asked", text="Why?", **query),
        GenerationStarted(id=f"{query_id}:started:{attempt}", resumes_at=0, model="scripted", **answer),
        *(TokensGenerated(id=f"{query_id}:{attempt}:{index}", index=index, text=word, **answer) for index, word in enumerate(words)),
        AnswerCompleted(
            id=f"{query_id}:done", question="Why?", text="".join(words), answered=True, model="scripted", tokens_end=tokens, took_ms=1.0, **answer
        ),
    ]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what no event announces. The test's own time limit bounds it."""
    while not holds():
        await asyncio.sleep(0.005)


Run = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def answer() -> Callable[..., list[Event]]:
    return an_answer


@pytest.fixture
def log() -> MemorySessionLog:
    return MemorySessionLog()


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def run(log: MemorySessionLog, journal: MemoryJournal, tmp_path: Path) -> Run:
    """Start an API; several share the log, as processes do."""

    @asynccontextmanager
    async def running(*, log: MemorySessionLog = log, journal: MemoryJournal = journal, **settings: Any) -> AsyncIterator[Running]:
        chosen = Settings(state_dir=tmp_path, **{"cursor_secret": SecretStr("s"), "sse_retry_ms": 20, "drain_s": 3, **settings})
        app = create_app(settings=chosen, journal=journal, session_log=log)
        server = Server(app, chosen)
        listener = socket.create_server(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server._serve([listener]))
        await until(lambda: server.started)
        try:
            async with httpx2.AsyncClient(base_url=base, timeout=20) as client:
                yield Running(client, server, app.state.wiring, log, journal, base, serving)
        finally:
            server.should_exit = True
            await serving

    return running


@pytest.fixture
async def api(run: Run) -> AsyncIterator[Running]:
    async with run() as running:
        yield running
