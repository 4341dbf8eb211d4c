"""tests/robustness/recorder.py and history_files.py: what is written down is what is read back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from schemas.record import Record
from tests.builders import a_query, a_record
from tests.robustness.history import Found, Kept, Run, Search
from tests.robustness.history_files import digest_of, line_of, load, record_line, run_json
from tests.robustness.recorder import Recorder
from tests.unit.robustness.sound import sound

NOWHERE = Run(1, "2026-11-21T12:00:00.000Z", {}, (), 1.0, 2.0, "secret", 60.0, {})


def test_a_history_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """All of it: operations, connections with their frames, records, and the run itself."""
    history = sound()
    (tmp_path / "clients").mkdir()
    (tmp_path / "topics").mkdir()
    (tmp_path / "clients" / "all.jsonl").write_bytes(b"".join(map(line_of, (*history.operations, *history.connections))))
    for topic, records in history.topics.items():
        (tmp_path / "topics" / f"{topic}.jsonl").write_bytes(b"".join(map(record_line, records)))
    (tmp_path / "run.json").write_bytes(run_json(history.run))

    assert history == load(tmp_path)


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    """Whatever a foreign producer writes."""
    record = Record("queries", 0, 0, b"\xff\x00", b"\x80", (("name", b"\xfe"),), 5)
    recorder = Recorder(tmp_path)
    recorder.records("queries", [record])
    recorder.run(NOWHERE)

    assert (record,) == load(tmp_path).topics["queries"]


def test_the_run_is_kept_whole(tmp_path: Path) -> None:
    """Offsets are numbers again, and what was not asked for at the end is told from what gave nothing."""
    found = Found((Search("default", "walrus", ("d1",)), Search("default", "dugong", None)), insights=(), exported=None, replayed={"preferences": {}})
    run = NOWHERE._replace(tenants=("default",), settled=False, left=1, topics={"queries": Kept("epoch", {0: 1, 11: 2}, {0: 5, 11: 7})}, found=found)
    Recorder(tmp_path).run(run)

    assert run == load(tmp_path).run


@pytest.mark.parametrize(("status", "outcome"), [(202, "ok"), (409, "refused"), (429, "refused"), (500, "unknown"), (503, "unknown")])
def test_an_operation_is_what_the_server_said_of_it(tmp_path: Path, status: int, outcome: str) -> None:
    """After a server's own error it may have happened."""
    recorder = Recorder(tmp_path)
    with recorder.client("asker-1").doing("ask", tenant="default", session="t1", text="What?") as doing:
        doing.answered(status, {"query_id": "q1"})
    recorder.run(NOWHERE)

    (operation,) = load(tmp_path).operations

    assert ("asker-1", "ask", outcome, status, {"query_id": "q1"}) == (
        operation.client,
        operation.kind,
        operation.outcome,
        operation.status,
        operation.response,
    )
    assert {"session": "t1", "text": "What?"} == operation.request


def test_what_an_overloaded_server_turns_away_was_refused(tmp_path: Path) -> None:
    """It says so before anything is written. Of another 503 nothing is known."""
    recorder = Recorder(tmp_path)
    for problem in ("overloaded", "log-unavailable"):
        with recorder.client("asker-1").doing("ask", tenant="default", session="t1", text="What?") as doing:
            doing.answered(503, {"type": f"urn:roxy:problem:{problem}"})
    recorder.run(NOWHERE)

    assert ["refused", "unknown"] == [one.outcome for one in load(tmp_path).operations]


def test_what_breaks_off_is_unknown_and_broke(tmp_path: Path) -> None:
    """Also when the client itself is stopped in the middle."""
    recorder = Recorder(tmp_path)
    client = recorder.client("c")
    with suppress(ConnectionError), client.doing("delete", tenant="default", document_id="d1"):
        raise ConnectionError
    with suppress(ConnectionError), client.reading("r1", tenant="default", session_id="t1", answer="a-q1") as reading:
        reading.took("cursor", "QueryAsked", a_record(a_query()).value or b"")
        raise ConnectionError
    recorder.run(NOWHERE)

    history = load(tmp_path)

    assert ("unknown", None) == (history.operations[0].outcome, history.operations[0].status)
    assert ("broke", "a-q1", ["q1"]) == (history.connections[0].ended, history.connections[0].only, [one.id for one in history.connections[0].frames])


def test_a_frame_keeps_what_rules_look_at(tmp_path: Path) -> None:
    """Of its data a digest, which is that of the record's value."""
    value = a_record(a_query()).value or b""
    with Recorder(tmp_path).client("c").reading("r1", tenant="default", session_id="t1") as reading:
        frame = reading.took("cursor", "QueryAsked", value)
        gap = reading.took("other", "gap", b'{"requested":"a","resumes":"other","reason":"expired"}')

    assert ("default", "t1", "q1", digest_of(value)) == (frame.tenant, frame.session, frame.query, frame.digest)
    assert ("gap", "other", "expired") == (gap.type, gap.cursor, gap.text)
