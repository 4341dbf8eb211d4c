"""The client against a real HTTP server: it asks once, waits where it is told to, and goes past proxies to this machine."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest
from rich.console import Console

from infra import client as client_module
from infra.ask import ask
from infra.client import Client
from schemas.errors import RequestRefused, ServerNotRunning
from schemas.events import Filters
from schemas.settings import Settings

ACCEPTED = '{"query_id": "q1", "cursor": "c1"}'
PROBLEM = '{"title": "Unavailable", "detail": "Kafka is away.", "remedy": "Wait."}'
END = 'id: c9\nevent: AnswerCompleted\ndata: {"type": "AnswerCompleted"}\n\n'


class Reply(NamedTuple):
    status: int
    body: str = ""
    kind: str = "application/json"


BUSY = Reply(503, PROBLEM)
CUT = Reply(0)  #: the connection is closed without an answer


class Server(ThreadingHTTPServer):
    """Gives the replies in order, the last for ever, and keeps what was asked."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[dict[str, object]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for _, _, headers in self.asked]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        reply = self.server.replies.pop(0) if len(self.server.replies) > 1 else self.server.replies[0]
        if reply is CUT:
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(reply.body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest shows what matters."""


def stream(*frames: str) -> Reply:
    return Reply(200, "".join(frames), "text/event-stream")


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Those that a test starts, stopped behind it."""
    started: list[Server] = []
    yield started
    for server in started:
        server.shutdown()
        server.server_close()


def start(servers: list[Server], *replies: Reply) -> Server:
    server = Server(*replies)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    servers.append(server)
    return server


def test_a_question_that_is_sent_again_is_the_same_question(servers: list[Server]) -> None:
    """The first server may have written it before it went: the second is sent the same key, and the answer is read from the beginning on."""
    first, second = start(servers, CUT), start(servers, Reply(202, ACCEPTED))
    with Client(Settings(), f"{first.url},{second.url}") as client:
        accepted = client.ask("s1", "Why?")

    assert first.keys() == second.keys()
    assert accepted["cursor"] == ""


def test_another_answer_is_asked_for_once_and_read_by_its_name(servers: list[Server]) -> None:
    """However often the wish has to be sent."""
    first, second = (
        start(servers, CUT),
        start(servers, Reply(202, '{"answer_id": "a-q1.1", "cursor": "c1"}'), stream("retry: 10\n\n", END), Reply(204)),
    )
    with Client(Settings(), f"{first.url},{second.url}") as client:
        accepted = client.regenerate("s1", "q1", {"model_seed": 7}, look_up_again=False)
        types = [record.type for record in client.events("s1", after=accepted["cursor"], answer_id=accepted["answer_id"])]

    assert first.keys() == [second.asked[0][2]["idempotency-key"]]
    assert ["AnswerCompleted"] == types
    assert ["/v1/sessions/s1/queries/q1/answers", "/v1/sessions/s1/events?answer=a-q1.1"] == [path for _, path, _ in second.asked[:2]]


def test_each_question_has_a_key_of_its_own(servers: list[Server]) -> None:
    """The same words asked twice are two questions; what was sent once is read from the cursor that came."""
    server = start(servers, Reply(202, ACCEPTED))
    with Client(Settings(), server.url) as client:
        accepted = [client.ask("s1", "Why?") for _ in range(2)]

    assert len(set(server.keys())) == 2
    assert [each["cursor"] for each in accepted] == ["c1", "c1"]


@pytest.mark.parametrize("busy", [BUSY, Reply(429, PROBLEM)])
def test_a_busy_server_is_asked_again(servers: list[Server], busy: Reply) -> None:
    """For a question and for a stream, on the way back too: neither 503 nor 429 ends the reading."""
    frames = "retry: 10\n\n", "id: c2\nevent: QueryAsked\ndata: {}\n\n"
    server = start(servers, busy, Reply(202, ACCEPTED), busy, stream(*frames), busy, stream(END), Reply(204))
    with Client(Settings(), server.url) as client:
        accepted = client.ask("s1", "Why?")
        types = [record.type for record in client.events("s1", after="c1", query_id=accepted["query_id"])]

    assert types == ["QueryAsked", "AnswerCompleted"]
    assert [headers.get("last-event-id") for method, _, headers in server.asked if method == "GET"] == ["c1", "c1", "c2", "c2", "c9"]


def test_patience_ends(servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays busy is refused in the server's own words; what is away is said to be away."""
    monkeypatch.setattr(client_module, "_GIVE_UP_S", 0.0)
    server = start(servers, BUSY)
    with Client(Settings(), server.url) as client:
        with pytest.raises(RequestRefused, match="Kafka is away"):
            client.ask("s1", "Why?")
        with pytest.raises(RequestRefused, match="Kafka is away"):
            next(client.events("s1"))
        server.replies = [CUT]
        with pytest.raises(ServerNotRunning):
            client.ask("s1", "Why?")


def test_other_refusals_are_raised_at_once(servers: list[Server]) -> None:
    """A question that is too long does not become shorter."""
    server = start(servers, Reply(422, PROBLEM))
    with Client(Settings(), server.url) as client, pytest.raises(RequestRefused):
        client.ask("s1", "Why?")

    assert len(server.asked) == 1


def test_this_machine_is_not_asked_through_a_proxy(servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's 127.0.0.1 is another machine. Other hosts go through it."""
    server, proxy = start(servers, Reply(202, ACCEPTED)), start(servers, Reply(202, ACCEPTED))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for address in (server.url, f"http://localhost:{server.server_port}", "http://roxy.invalid"):
        with Client(Settings(), address) as client:
            client.ask("s1", "Why?")

    assert len(server.asked) == 2
    assert [path for _, path, _ in proxy.asked] == ["http://roxy.invalid/v1/sessions/s1/queries"]


def test_filters_go_with_the_question(servers: list[Server]) -> None:
    """Only those that are given: a server that knows none is asked as ever."""
    server = start(servers, Reply(202, ACCEPTED))
    with Client(Settings(), server.url) as client:
        client.ask("s1", "Why?", Filters(tags=("kafka",), since="2026-01-01T00:00:00.000Z"))
        client.ask("s1", "Why?")

    assert server.bodies == [{"text": "Why?", "filters": {"tags": ["kafka"], "since": "2026-01-01T00:00:00.000Z"}}, {"text": "Why?"}]


def test_what_was_made_of_a_question_is_told_in_one_line(servers: list[Server]) -> None:
    """If it was made whole, or other words were looked up too; and what it was searched without in another."""
    understood = {"intent": "follow-up", "text": "how is lag measured?", "expansions": ["delay"], "follows": ["q0"]}
    found = f"id: c2\nevent: ChunksRetrieved\ndata: {json.dumps({'understanding': understood, 'degraded': ['vector']})}\n\n"
    plain = (
        f"id: c2\nevent: ChunksRetrieved\ndata: {json.dumps({'understanding': understood | {'expansions': [], 'follows': []}, 'degraded': []})}\n\n"
    )
    server = start(servers, Reply(202, ACCEPTED), stream(found, END), Reply(202, ACCEPTED), stream(plain, END))
    shown = io.StringIO()
    with Client(Settings(), server.url) as client:
        for text in ("how is it measured?", "how is lag measured?"):
            ask(client, text, session_id="s1", console=Console(file=shown, width=200))

    assert ["understood as: how is lag measured? · also: delay", "searched without: vector"] == shown.getvalue().split("\n")[:-1]


def test_a_gap_and_an_error_are_told_to_who_asks(servers: list[Server]) -> None:
    """Neither ends the answer, and neither passes in silence."""
    gap = 'id: c3\nevent: gap\ndata: {"reason": "retention"}\n\n'
    error = 'id: c3\nevent: error\nretry: 10\ndata: {"detail": "The reader fell behind."}\n\n'
    server = start(servers, Reply(202, ACCEPTED), stream(gap, error), stream(END))
    shown = io.StringIO()
    with Client(Settings(), server.url) as client:
        answer = ask(client, "Why?", session_id="s1", console=Console(file=shown))

    assert answer.completed
    assert "retention" in shown.getvalue()
    assert "The reader fell behind." in shown.getvalue()
