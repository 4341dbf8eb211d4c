"""Real workers and API processes of a test's own, on the shared broker: started one by one, stopped or killed one by one."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson

from infra import processes
from infra.environment import environment
from infra.ports import LOOPBACK, free_block
from infra.processes import Child
from infra.up import is_ready
from schemas.events import TERMINAL
from schemas.settings import Settings

START_S = 180.0  # importing torch takes most of a minute on two busy cores
ANSWER_S = 60.0


class Fleet:
    """Starts processes, knows them, ends what is left of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._children: list[Child] = []
        self._apis: list[Api] = []

    async def worker(self, module: str = "streams.worker", **changed: object) -> Child:
        """A worker that has its partitions. `module`: another that does the same, in a test's own way."""
        port = free_block(1)
        return await self._start(module, port, worker_health_port=port, **changed)

    async def api(self, **changed: object) -> Api:
        """An API process that is ready."""
        port = free_block(1)
        child = await self._start("api.server", port, api_port=port, **changed)
        self._apis.append(Api(child, f"http://{LOOPBACK}:{port}"))
        return self._apis[-1]

    async def signal(self, child: Child, number: signal.Signals, *, wait: bool = True) -> None:
        process = child.process
        assert process is not None, processes.last_lines(child.log)
        process.send_signal(number)
        if wait:
            await asyncio.to_thread(process.wait, 60)

    async def close(self) -> None:
        for api in self._apis:
            await api.http.aclose()
        await asyncio.to_thread(processes.stop, self.settings.state_dir, self._children, grace_s=20.0)

    async def _start(self, module: str, port: int, **changed: object) -> Child:
        name = f"{module.replace('.', '-')}-{len(self._children) + 1}"
        address = f"{LOOPBACK}:{port}"
        argv = [sys.executable, "-P", "-m", module]
        env = environment(self.settings, **changed)
        child = processes.start(name, argv, state_dir=self.settings.state_dir, address=address, env=env, cwd=Path(self.settings.state_dir))
        self._children.append(child)
        async with asyncio.timeout(START_S):
            while not await is_ready(address):
                assert child.alive, processes.last_lines(child.log, 40)
                await asyncio.sleep(0.1)
        return child


class Api:
    """One API process and a client of it."""

    def __init__(self, child: Child, url: str, headers: dict[str, str] | None = None) -> None:
        self.child, self.url = child, url
        self.http = httpx2.AsyncClient(base_url=url, headers=headers, timeout=ANSWER_S, trust_env=False)

    async def session(self, placement: str = "topic") -> str:
        return str((await self.post("/v1/sessions", {"placement": placement}))["session_id"])

    async def ask(self, session: str, text: str, **headers: str) -> dict[str, Any]:
        return await self.post(f"/v1/sessions/{session}/queries", {"text": text}, **headers)

    async def regenerate(self, session: str, query: str, **wanted: Any) -> dict[str, Any]:
        return await self.post(f"/v1/sessions/{session}/queries/{query}/answers", wanted)

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        response = await self.http.post(path, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert response.is_success, response.text
        return dict(response.json())

    async def frames(self, session: str, *, after: str | None = None, query: str | None = None, most: int | None = None) -> list[Frame]:
        """The stream's frames, to its end or until `most` have come; then the connection is cut."""
        frames: list[Frame] = []
        async with asyncio.timeout(ANSWER_S), self.stream(session, after=after, query=query) as stream:
            async for frame in stream:
                frames.append(frame)
                if most is not None and len(frames) >= most:
                    break
        return frames

    @asynccontextmanager
    async def stream(
        self, session: str, *, after: str | None = None, query: str | None = None, answer: str | None = None
    ) -> AsyncIterator[AsyncIterator[Frame]]:
        """Frames with data, as they come."""
        headers = {"Last-Event-ID": after} if after else {}
        params = {name: value for name, value in (("query", query), ("answer", answer)) if value}
        async with self.http.sse(f"/v1/sessions/{session}/events", headers=headers, params=params) as source:
            if source.response.status_code != 204:
                assert source.response.status_code == 200, (await source.response.aread()).decode()
            async with aclosing(_frames(source)) as frames:
                yield frames

    async def answer(self, session: str, accepted: dict[str, Any]) -> dict[str, Any]:
        """The terminal event of a question."""
        frames = await self.frames(session, after=accepted["cursor"], query=accepted["query_id"])
        assert frames[-1].type in TERMINAL, frames
        return frames[-1].event

    async def history(self, session: str) -> list[Frame]:
        page = (await self.http.get(f"/v1/sessions/{session}/history", params={"limit": 10_000})).json()
        return [Frame(one["cursor"], one["type"], one["event"]) for one in page["records"]]


class Frame:
    """A record as a client got it."""

    def __init__(self, cursor: str, kind: str, event: dict[str, Any]) -> None:
        self.cursor, self.type, self.event = cursor, kind, event

    @property
    def id(self) -> str:
        return str(self.event.get("id"))

    def __repr__(self) -> str:
        return f"<{self.type} {self.id}>"


async def _frames(source: httpx2.EventSource) -> AsyncGenerator[Frame, None]:
    if source.response.status_code == 204:
        return
    async for event in source:
        if event.data:
            yield Frame(event.id, event.event, orjson.loads(event.data))


def words_of(frames: Iterator[Frame] | list[Frame]) -> str:
    """The text that a client has put together from tokens."""
    return "".join(frame.event["text"] for frame in frames if frame.type == "TokensGenerated")
