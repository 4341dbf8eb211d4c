"""A real day's work for Locust, against a Roxy of your own: `locust -f infra/load/locustfile.py --host …`; see docs/howto/load-test.md.

Users wait for their answer before they go on (a closed loop), so a server that slows down is asked less: `roxy bench load` is the measure that
does not flatter. Locust is no dependency of Roxy: `pip install locust`. The names in its table that are no paths are `first token` and
`whole answer`, from before the POST.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import gevent
from locust import HttpUser, between, events, task

QUESTIONS = "infra/samples/beir/queries.jsonl"
ANSWER_S = 60.0
BUSY = (429, 503)
MOST_WAIT_S = 30.0
ENDS = ("AnswerCompleted", "AnswerFailed", "AnswerCancelled")


@events.init_command_line_parser.add_listener
def _options(parser: Any) -> None:
    parser.add_argument("--key", env_var="ROXY_KEY", default="", help="API key, with the roles ask and ingest.")
    parser.add_argument("--questions", default=QUESTIONS, help='JSON lines with a "text" each.')
    parser.add_argument("--placement", default="topic", choices=["topic", "lane"], help="Where the sessions' records lie.")


class Reader(HttpUser):
    """One person with one session: asks, reads the answer as it comes, goes on."""

    wait_time = between(1, 5)

    def on_start(self) -> None:
        options = self.environment.parsed_options
        if options.key:
            self.client.headers["Authorization"] = f"Bearer {options.key}"
        with open(options.questions, encoding="utf-8") as lines:
            self.questions = [json.loads(line)["text"] for line in lines]
        self.asked, self.query_id, self.last_id = uuid.uuid4().int % len(self.questions), "", ""
        self.links: dict[str, str] = {}
        while not self.links:
            session = self._post("/v1/sessions", {"placement": options.placement}, "/v1/sessions")
            self.links, self.last_id = session.get("links", {}), session.get("cursor", "")

    @task(70)
    def ask(self) -> None:
        self.asked += 1
        self._ask(self.questions[self.asked % len(self.questions)])

    @task(10)
    def follow_up(self) -> None:
        self._ask("And why is that so?" if self.query_id else self.questions[self.asked % len(self.questions)])

    @task(10)
    def give_feedback(self) -> None:
        if self.query_id:
            body = {"query_id": self.query_id, "thumb": "up"}
            self._post(self.links["feedback"], body, "/v1/sessions/{session_id}/feedback")

    @task(5)
    def ingest(self) -> None:
        text = f"# A page\n\n{self.questions[self.asked % len(self.questions)]} Nobody knows {uuid.uuid4()}.\n"
        self._post("/v1/documents", {"document_id": f"locust-{self.asked % 200}", "text": text}, "/v1/documents")

    @task(5)
    def resume(self) -> None:
        """Come back to the session's stream where it was left, and go when the stream is there."""

        def see(kind: str) -> bool:
            if kind == "gap":
                self._tell("gap", time.perf_counter(), RuntimeError("records are gone that were not seen"))
            return True

        self._read(self.links["events"], "resume", see)

    def _ask(self, text: str) -> None:
        begun = time.perf_counter()
        accepted = self._post(self.links["queries"], {"text": text}, "/v1/sessions/{session_id}/queries")
        if not accepted:
            return
        seen: list[str] = []

        def see(kind: str) -> bool:
            if not seen and (kind == "TokensGenerated" or kind in ENDS):
                self._tell("first token", begun)
                seen.append(kind)
            seen[-1:] = [kind] if seen else []
            return kind in ENDS

        self._read(accepted["links"]["query_events"], "stream", see)
        end = seen[-1] if seen else ""
        self.query_id = accepted["query_id"] if end == "AnswerCompleted" else self.query_id
        self._tell("whole answer", begun, None if end == "AnswerCompleted" else RuntimeError(end or "the stream ended before the answer"))

    def _post(self, path: str, body: dict[str, Any], name: str) -> dict[str, Any]:
        """The answer; nothing if it was refused. A server that is busy says when to come back."""
        with self.client.post(path, json=body, name=name, catch_response=True) as response:
            if response.status_code in BUSY:
                response.failure(f"{response.status_code}, Retry-After {response.headers.get('Retry-After')}")
                gevent.sleep(min(float(response.headers.get("Retry-After", 1)), MOST_WAIT_S))
                return {}
            return dict(response.json()) if response.ok else {}

    def _read(self, path: str, name: str, see: Callable[[str], bool]) -> None:
        """Show each event's type (empty: the first frame, which only says where the stream begins), until enough was seen."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self.last_id if name == "resume" else ""}
        route = f"/v1/sessions/{{session_id}}/events ({name})"
        with self.client.get(path, headers=headers, name=route, stream=True, timeout=ANSWER_S, catch_response=True) as response:
            if response.status_code != 200:
                response.failure(f"{response.status_code}")
                return
            fields: dict[str, str] = {}
            for line in response.iter_lines(chunk_size=None, decode_unicode=True):
                if line and not line.startswith(":"):
                    field, _, value = line.partition(":")
                    fields[field] = value.removeprefix(" ")
                elif fields:
                    self.last_id = fields.get("id", self.last_id)
                    if see(fields.get("event", "")):
                        return
                    fields = {}

    def _tell(self, name: str, begun: float, error: Exception | None = None) -> None:
        took_ms = (time.perf_counter() - begun) * 1000
        self.environment.events.request.fire(request_type="SSE", name=name, response_time=took_ms, response_length=0, exception=error, context={})
