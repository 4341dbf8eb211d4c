"""The baseline of the stream benches: the API over the memory session log, tokens made in the same process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import uvicorn
import uvloop

from api.app import create_app
from connectors.journal.memory import MemoryJournal
from connectors.observability import configure
from connectors.session_log.memory import MemorySessionLog
from infra.bench.serving import serving
from infra.bench.tokens import CONTEXT, Load, due, event_of
from infra.environment import environment
from infra.ports import LOOPBACK, free_block
from schemas.session_id import Session, new_session_id
from schemas.settings import Settings, load_settings

Begin = Callable[[Load], Awaitable[None]]


@asynccontextmanager
async def memory_server(settings: Settings, sessions: int) -> AsyncIterator[tuple[int, list[str], Begin]]:
    """Its port, its sessions, and what makes it begin."""
    port, ids = free_block(1), [new_session_id("default", "topic") for _ in range(sessions)]
    env = environment(settings, api_port=port, sse_max_per_principal=100_000)
    arguments = ["infra.bench.memory_server"]
    async with serving(arguments, port=port, env=env, first_line=orjson.dumps(ids) + b"\n") as server:
        stdin = server.stdin
        assert stdin is not None

        async def begin(load: Load) -> None:
            stdin.write(orjson.dumps(load._asdict()) + b"\n")
            await stdin.drain()

        yield port, ids, begin


async def serve(settings: Settings) -> None:
    """Read the sessions' ids from standard input, serve, and write tokens once their load comes in."""
    session_log = MemorySessionLog()
    for session_id in orjson.loads(sys.stdin.readline()):
        await session_log.create(Session("default", session_id))
    app = create_app(settings=settings, journal=MemoryJournal(), session_log=session_log)
    writing = asyncio.create_task(_write(session_log))
    config = uvicorn.Config(app, host=LOOPBACK, port=settings.api_port, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    await uvicorn.Server(config).serve()
    writing.cancel()


async def _write(session_log: MemorySessionLog) -> None:
    fields = orjson.loads(await asyncio.to_thread(sys.stdin.readline))
    load = Load(tuple(fields["sessions"]), fields["rate"], fields["seconds"])
    sessions = [Session("default", session_id) for session_id in load.sessions]
    async for tokens in due(load):
        for number, index in tokens:
            await session_log.append(sessions[number], [event_of(sessions[number], index)], CONTEXT)


if __name__ == "__main__":
    read = load_settings()
    configure(read.model_copy(update={"log_level": "error"}), "bench")
    uvloop.run(serve(read))
