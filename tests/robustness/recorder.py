"""Recorder: writes a run's history while it happens. Each client has a file of its own, so nobody waits for anybody.

recorder = Recorder(folder)
asker = recorder.client("asker-1")
with asker.doing("ask", tenant="default", session=session, text="…") as asking:
    response = await http.post(…)
    asking.answered(response.status_code, response.json())   # what raises before leaves an `unknown`
with asker.reading("r1", tenant="default", session_id=session, after=cursor, query=None) as reading:
    reading.took(cursor, event_type, data)
    reading.ended("cut")                                      # what raises before leaves a `broke`
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from api.problems import TYPE
from schemas.errors import Overloaded
from schemas.event import now
from schemas.record import Record
from tests.robustness.history import Connection, Ending, Frame, Kind, Operation, Outcome, Run
from tests.robustness.history_files import CLIENTS, RUN, TOPICS, digest_of, line_of, record_line, run_json

_OVERLOADED = TYPE + Overloaded.slug()


class Recorder:
    """Of one run. The clock begins with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.began = folder, now()
        self._began = time.monotonic()
        for part in (CLIENTS, TOPICS):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def clock(self) -> float:
        """Seconds since the run began."""
        return round(time.monotonic() - self._began, 6)

    def client(self, name: str) -> ClientRecorder:
        return ClientRecorder(self, name)

    def records(self, topic: str, records: Iterable[Record]) -> None:
        """Of a topic, once all is quiet."""
        with (self.folder / TOPICS / f"{topic}.jsonl").open("ab") as file:
            file.writelines(map(record_line, records))

    def run(self, run: Run) -> None:
        (self.folder / RUN).write_bytes(run_json(run))


class ClientRecorder:
    """Of one client. A line goes out whole, once it is known how it ended."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.name, self.clock = name, recorder.clock
        self._path = recorder.folder / CLIENTS / f"{name}.jsonl"

    def doing(self, kind: Kind, *, tenant: str, **request: Any) -> Doing:
        return Doing(self, kind, tenant, request)

    def reading(
        self, reader: str, *, tenant: str, session_id: str, after: str | None = None, query: str | None = None, answer: str | None = None
    ) -> Reading:
        return Reading(self, Connection(self.name, reader, tenant, session_id, 0.0, 0.0, "", after, query, "broke", answer=answer))

    def write(self, one: Operation | Connection) -> None:
        with self._path.open("ab") as file:
            file.write(line_of(one))


class _Open:
    """Something that has begun."""

    def __init__(self, client: ClientRecorder) -> None:
        self._client, self._start, self._at = client, client.clock(), now()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.write(self._line())

    def _line(self) -> Operation | Connection:
        raise NotImplementedError


class Doing(_Open):
    """An operation under way."""

    def __init__(self, client: ClientRecorder, kind: Kind, tenant: str, request: dict[str, Any]) -> None:
        super().__init__(client)
        self._kind, self._tenant, self._request = kind, tenant, request
        self._outcome: Outcome = "unknown"
        self._status: int | None = None
        self._response: dict[str, Any] = {}

    def answered(self, status: int, response: dict[str, Any]) -> None:
        """What the server said. After a 5xx it may have happened: an append that took too long may be in the log."""
        self._status, self._response = status, response
        turned_away = status < 500 or response.get("type") == _OVERLOADED
        self._outcome = "ok" if status < 300 else "refused" if turned_away else "unknown"

    def _line(self) -> Operation:
        about = (self._client.name, self._kind, self._tenant, self._start, self._client.clock(), self._at)
        return Operation(*about, self._request, self._outcome, self._status, self._response)


class Reading(_Open):
    """A connection under way."""

    def __init__(self, client: ClientRecorder, opened: Connection) -> None:
        super().__init__(client)
        self._connection = opened._replace(start=self._start, at=self._at)
        self.frames: list[Frame] = []

    def took(self, cursor: str, event_type: str, data: bytes) -> Frame:
        """A frame with data came. `data`: as it stood on the wire, its lines joined."""
        self.frames.append(frame_of(self._client.clock(), cursor, event_type, data))
        return self.frames[-1]

    def ended(self, ending: Ending, status: int | None = None) -> None:
        self._connection = self._connection._replace(ended=ending, status=status)

    def _line(self) -> Connection:
        return self._connection._replace(end=self._client.clock(), frames=tuple(self.frames))


def frame_of(at: float, cursor: str, event_type: str, data: bytes) -> Frame:
    """What of a frame is kept: its text, where it stands, and a digest of all of it."""
    event = orjson.loads(data)
    if event_type == "gap":
        return Frame(at, cursor, event_type, digest_of(data), text=str(event["reason"]))
    names = ("id", "tenant", "session_id", "query_id", "answer_id")
    index = next((event[name] for name in ("index", "resumes_at", "tokens_end") if name in event), 0)
    texts = event.get("text", "") if event_type in ("TokensGenerated", "AnswerCompleted") else ""
    about = (str(event.get(name, "")) for name in names)
    return Frame(at, cursor, event_type, digest_of(data), *about, event.get("attempt", 0), index, texts)
