"""The API against its own OpenAPI document, by schemathesis over a real port: no 5xx, and every answer as documented."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.app import create_app
from api.arrived import DOCX
from api.server import Server
from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import Context
from schemas.events import GenerationStarted, QueryAsked, TokensGenerated
from schemas.session_id import Session
from schemas.settings import ApiKey, Settings
from tests.scripted_worker import working

KEY = {"Authorization": "Bearer key"}
# Streams end quickly by themselves, or every example that opens one would wait for its time limit.
SETTINGS = Settings(
    api_keys=(ApiKey(key=SecretStr("key"), roles=("ask", "ingest", "operate")),), cursor_secret=SecretStr("s"), sse_idle_s=0.3, drain_s=1
)
SESSION = Session("default", "tfuzzed")


@schemathesis.serializer("application/pdf", DOCX)
def _as_it_is(_: schemathesis.SerializationContext, value: Any) -> Any:
    """Bytes of a type that schemathesis cannot write: any will do, since the API does not open them."""
    return value if isinstance(value, bytes) else str(value).encode()


class _Process:
    """An API on a loop of its own, as schemathesis is synchronous."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.started = threading.Event()
        self.server: Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self.started.wait(20)

    def stop(self) -> None:
        assert self.server is not None
        self.server.should_exit = True
        self._thread.join()

    async def _serve(self) -> None:
        log = MemorySessionLog()
        await log.create(SESSION)
        await log.append(SESSION, _records(), Context("/test", ""))
        journal = MemoryJournal()
        self.server = Server(create_app(settings=SETTINGS, journal=journal, session_log=log), SETTINGS)
        async with working(journal, log):  # some routes wait for an answer
            serving = asyncio.create_task(self.server._serve([self.listener]))
            while not self.server.started:
                await asyncio.sleep(0.01)
            self.started.set()
            await serving


def _records() -> list[Any]:
    query = {"tenant": "default", "session_id": SESSION.id, "query_id": "q1"}
    token = TokensGenerated(id="t0", answer_id="a-q1", attempt=1, index=0, text="word", **query)
    begun = GenerationStarted(id="s0", answer_id="a-q1", attempt=1, resumes_at=0, model="scripted", **query)
    return [QueryAsked(id="q1:asked", text="Why?", **query), begun, token]


@pytest.fixture(scope="module")
def process() -> Iterator[_Process]:
    running = _Process()
    yield running
    running.stop()


schema = schemathesis.openapi.from_dict(create_app(settings=SETTINGS, journal=MemoryJournal(), session_log=MemorySessionLog()).openapi())


def _is_long(wait: object) -> bool:
    try:
        return 0.05 < float(str(wait)) <= 60
    except ValueError:
        return False


@pytest.mark.timeout(300)
@schema.parametrize()
@settings(max_examples=30, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: schemathesis.Case, process: _Process) -> None:
    """No 5xx; status, headers, content type and body fit the document; what breaks it is refused, methods it lacks are 405; no key, no answer.

    Not checked: that all that fits it is taken. That a cursor is signed, no schema can say.
    """
    if "session_id" in case.path_parameters and case.method != "DELETE" and len(case.path_parameters["session_id"]) % 2:
        case.path_parameters["session_id"] = SESSION.id  # half of the examples meet a session that is there
        if case.path.endswith("/answers"):
            case.path_parameters["query_id"] = "q1"  # one that is not there is waited for

    if _is_long(case.query.get("wait")):
        case.query["wait"] = 0.05  # nothing comes; a whole minute of waiting shows no more

    case.call_and_validate(base_url=process.url, headers=KEY, timeout=20, excluded_checks=[positive_data_acceptance])
