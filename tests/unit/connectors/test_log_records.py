"""Where a log's records begin, and which texts are logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.chunker.log_records import looks_like_log, records_of

TIMES = {
    "2026-01-31T23:59:59.123Z started": "2026-01-31T23:59:59.123Z",
    "2026-01-31 23:59:59,123 INFO started": "2026-01-31 23:59:59,123",
    "2026-01-31 23:59 started": "2026-01-31 23:59",
    "[2026-01-31 23:59:59,123] INFO started (kafka.Broker)": "2026-01-31 23:59:59,123",
    "[2026-01-31T23:59:59.123+01:00][info][gc] Pause": "2026-01-31T23:59:59.123+01:00",
    "2026/01/31 23:59:59.123456 main.go:1: started": "2026/01/31 23:59:59.123456",
    "2026-01-31 23:59:59.123 UTC [12] LOG:  started": "2026-01-31 23:59:59.123 UTC",
    "2026-01-31T23:59:59.123456789Z stdout F started": "2026-01-31T23:59:59.123456789Z",
    "Jan 31 23:59:59 host sshd[1]: started": "Jan 31 23:59:59",
    "Jan  2 23:59:59 host sshd[1]: started": "Jan  2 23:59:59",
    "<34>1 2026-01-31T23:59:59.003Z host su - ID47 - failed": "2026-01-31T23:59:59.003Z",
    "<34>Oct 11 22:14:15 host su: failed": "Oct 11 22:14:15",
    "I0131 23:59:59.123456       1 main.go:1] started": "I0131 23:59:59.123456",
    '::1 - frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326': "10/Oct/2000:13:55:36 -0700",
    "[Wed Oct 11 14:32:52.123456 2000] [core:error] failed": "Wed Oct 11 14:32:52.123456 2000",
    "Wed Oct 11 14:32:52 2000 started": "Wed Oct 11 14:32:52 2000",
    "Jan 02, 2026 3:04:05 AM org.example.Main main": "Jan 02, 2026 3:04:05 AM",
    "02-Jan-2026 03:04:05.123 INFO [main] started": "02-Jan-2026 03:04:05.123",
    "Sat, 31 Jan 2026 23:59:59 GMT started": "Sat, 31 Jan 2026 23:59:59 GMT",
    "17/06/09 20:10:40 INFO executor started": "17/06/09 20:10:40",
    "081109 203615 148 INFO dfs.DataNode started": "081109 203615",
    "20260131T235959Z started": "20260131T235959Z",
    "23:59:59.123 [main] INFO started": "23:59:59.123",
    "1769850000.123 started": "1769850000.123",
    "[1769850000] EXTERNAL COMMAND": "1769850000",
    "[   12.345678] usb 1-1: new device": "12.345678",
    '{"level":"info","ts":1769850000.123,"msg":"started"}': "1769850000.123",
    '{"@timestamp": "2026-01-31T23:59:59Z", "message": "started"}': "2026-01-31T23:59:59Z",
    'level=info time="2026-01-31T23:59:59Z" msg=started': "2026-01-31T23:59:59Z",
    "[INFO] 2026-01-31 23:59:59 started": "2026-01-31 23:59:59",
    "update-alternatives 2026-01-31 23:59:59: run": "2026-01-31 23:59:59",
    "web_1  | 2026-01-31 23:59:59 started": "2026-01-31 23:59:59",
    "[pod/web-0/web] 2026-01-31T23:59:59Z started": "2026-01-31T23:59:59Z",
    "E, [2026-01-31T23:59:59.123456 #1] ERROR -- : failed": "2026-01-31T23:59:59.123456",
}
NO_TIMES = [
    "\tat org.example.Main.main(Main.java:1)",
    '  File "main.py", line 1, in <module>',
    "Caused by: java.io.IOException: gone since 23:59:59",
    "goroutine 1 [running]:",
    "ValueError: 2026-01-31",
    "ValueError: 23:59:59 is no time",
    "  2026-01-31 23:59:59 an indented line",
    "1. First, 23:59:59",
    "12345678901 is a telephone number",
    "2026-01-31 is a day",
    "    ... 2 more",
]
LINES = st.sampled_from([*TIMES, *NO_TIMES, "ERROR: failed", "INFO  started", "", "text"])


@pytest.mark.parametrize(("line", "stamp"), TIMES.items())
def test_a_line_that_tells_its_time_begins_a_record(line: str, stamp: str) -> None:
    """Each of the usual ways to write it; the time is kept as it stands there."""
    records = records_of(f"{line}\nwrapped\n{line}")

    assert [(0, stamp), (len(line) + 9, stamp)] == [(record.start, record.stamp) for record in records]


@pytest.mark.parametrize("line", NO_TIMES)
def test_other_lines_go_on_the_record_before(line: str) -> None:
    """Frames, causes, and lines that tell a time in their midst."""
    assert len(records_of(f"2026-01-31 23:59:59 ERROR Failed\n{line}\n{line}")) == 1


def test_a_log_without_times_has_a_record_a_level() -> None:
    """As Python's logging writes it by default."""
    text = "WARNING:root:Low\nERROR:root:Failed\nTraceback (most recent call last):\n  File\nOSError: gone\n[INFO] Stopped"

    assert ["WARNING", "ERROR", "[INFO]"] == [text[record.start :].replace(":", " ").split()[0] for record in records_of(text)]


def test_a_level_on_a_second_line_begins_no_record() -> None:
    """java.util.logging puts the time on one line and the level on the next."""
    text = "Jan 02, 2026 3:04:05 AM org.example.Main main\nINFO: Started\nJan 02, 2026 3:04:06 AM org.example.Main main\nSEVERE: Failed"

    assert ["Jan 02, 2026 3:04:05 AM", "Jan 02, 2026 3:04:06 AM"] == [record.stamp for record in records_of(text)]


@given(st.lists(LINES, max_size=40).map("\n".join))
def test_records_tile_the_text(text: str) -> None:
    """None is lost, none is in two."""
    records = records_of(text)

    assert text == "".join(text[record.start : record.end] for record in records)
    assert [] == [record for record in records[1:] if record.start and text[record.start - 1] != "\n"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n".join(TIMES), True),
        ("2026-01-31 23:59:59 a\n" * 3 + "\tindented\n" * 9, True),
        ("2026-01-31 23:59:59 a\n" * 2, False),
        ("2026-01-31 23:59:59 a\n" * 3 + "prose\n" * 4, False),
        ("# Notes\n\nWe met at 10:00.\n\nWe parted at 11:00.", False),
        ("", False),
    ],
)
def test_a_text_is_a_log_if_most_of_its_lines_tell_a_time(text: str, expected: bool) -> None:
    """Three at least; indented lines do not count."""
    assert expected == looks_like_log(text)
