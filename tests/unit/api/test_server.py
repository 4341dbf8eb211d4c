"""The process: what it does when it is told to stop, and when it cannot start; and its spans."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.server import listen
from schemas.errors import PortTaken
from schemas.events import TokensGenerated
from schemas.settings import Settings

# The API's own main, over memory backends instead of Kafka's, with one session that has an answer.
_PROCESS = """
import asyncio, json, sys
import api.server as server
from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import Context
from schemas.events import GenerationStarted, TokensGenerated
from schemas.session_id import Session

class Log(MemorySessionLog):
    async def __aenter__(self):
        session = Session("default", "tone")
        await self.create(session)
        ids = {"tenant": "default", "session_id": "tone", "query_id": "q1", "answer_id": "a-q1", "attempt": 1}
        begun = GenerationStarted(id="s", resumes_at=0, model="scripted", **ids)
        token = TokensGenerated(id="t", index=0, text="word", **ids)
        await self.append(session, [begun, token], Context("/test", "00-" + "1" * 32 + "-" + "2" * 16 + "-01"))
        return self

def listen(settings, really=server.listen):
    listener = really(settings)
    print(listener.getsockname()[1], flush=True)
    return listener

server.listen = listen
server.open_journal = lambda settings: MemoryJournal()
server.open_session_log = lambda settings: Log()
server.main()
"""


async def start(state: Path, *code: str, **environ: str) -> asyncio.subprocess.Process:
    environ = {"ROXY_STATE_DIR": str(state), "ROXY_API_PORT": "0", "ROXY_LOG_FORMAT": "json", **environ}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROXY_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *code,
        env={**inherited, **environ},
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_on_sigterm_streams_are_told_and_the_process_ends_with_0(tmp_path: Path) -> None:
    """The stream's last frame says when and where to come back; the first token's way to the client is a span of the record's trace."""
    process = await start(tmp_path, "-c", _PROCESS, ROXY_TRACES="file")
    assert process.stdout
    url = f"http://127.0.0.1:{int(await process.stdout.readline())}/v1/sessions/tone/events"
    async with httpx2.AsyncClient(timeout=20) as client, client.stream("GET", url) as response:
        lines = response.aiter_lines()
        while '"text":"word"' not in await anext(lines):
            pass
        process.send_signal(signal.SIGTERM)
        rest = [line async for line in lines if line]
    _, log = await process.communicate()
    (file,) = (tmp_path / "traces").iterdir()
    spans = {span["name"]: span for span in map(json.loads, file.read_text().splitlines())}

    assert (process.returncode, [line.partition(":")[0] for line in rest]) == (0, ["retry", "id", "event", "data"])
    assert '"reason":"shutting-down"' in rest[-1]
    assert (spans["sse.deliver"]["context"]["trace_id"], spans["sse.deliver"]["parent_id"]) == ("0x" + "1" * 32, "0x" + "2" * 16)
    assert "GET /v1/sessions/{session_id}/events" in spans
    assert all(json.loads(line)["level"] in ("info", "warning") for line in log.splitlines())


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"ROXY_API_HOST": "0.0.0.0"}, "ROXY_API_KEYS"),
        ({"ROXY_API_PROT": "1"}, "ROXY_API_PROT"),
        ({"ROXY_KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "Kafka"),
    ],
    ids=["open to everybody", "unknown setting", "no Kafka"],
)
async def test_a_process_that_cannot_start_says_why(tmp_path: Path, environ: dict[str, str], says: str) -> None:
    """One sentence with a remedy, exit 1, no traceback."""
    process = await start(tmp_path, "-m", "api.server", **environ)
    _, log = await process.communicate()
    last = log.decode().strip().splitlines()[-1]

    assert (process.returncode, last.startswith("roxy api: "), says in last) == (1, True, True)
    assert b"Traceback" not in log


def test_a_taken_port_is_named() -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken, match=str(taken.getsockname()[1])):
        listen(Settings(api_port=taken.getsockname()[1]))


async def test_a_client_that_takes_nothing_is_given_up(run: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket is full and stays so: the stream ends after STALL_S, and its reader with it."""
    monkeypatch.setattr("api.session_stream.STALL_S", 0.2)
    async with run(sse_heartbeat_s=0.05) as api:
        session = (await api.session())["session_id"]
        with socket.create_connection(("127.0.0.1", int(api.base.rpartition(":")[2]))) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.sendall(f"GET /v1/sessions/{session}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await api.open_streams(1)
            topic = api.log._topics[f"session.default.{session}"]
            await api.write(session, [answer(session)[1], *(_big(session, index) for index in range(200))])
            await api.open_streams(0)

            assert topic.readers == []


def _big(session: str, index: int) -> TokensGenerated:
    return TokensGenerated(
        id=f"t{index}", tenant="default", session_id=session, query_id="q1", answer_id="a-q1", attempt=1, index=index, text="x" * 50_000
    )
