"""A log's records: each begins with a line that tells its time, and goes on to the next such line. Stack traces and wrapped lines have none.

Known: ISO 8601 and its like (log4j, Python's logging, Kafka, Go, nginx), syslog (RFC 3164 and 5424), klog, Apache's and nginx's access
lines, ctime, times without a date, seconds since 1970, the kernel's ring buffer; JSON lines and logfmt with a time; the prefixes of docker
compose and kubectl. A log without times may begin its lines with the level. Nothing in the patterns repeats without a bound.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,:]\d{1,9})?)?(?: ?[AP]M)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?"
_TIMES = (
    rf"\d{{4}}[-/.]\d\d[-/.]\d\d[T _]{_CLOCK}",  # 2026-01-31T23:59:59.123Z, 2026-01-31 23:59:59,123, 2026/01/31 23:59:59
    rf"\d{{1,2}}[-/. ](?:\d\d|{_MONTH})[-/. ]\d{{2,4}}[:T ,]{{1,2}}{_CLOCK}",  # 31/Jan/2026:23:59:59 +0000, 01/31/26 23:59:59
    rf"(?:{_DAY},? )?{_MONTH} [ \d]?\d(?:,? \d{{4}},?)? {_CLOCK}(?: \d{{4}})?",  # Jan 31 23:59:59, Sat Jan 31 23:59:59 2026
    rf"{_DAY},? \d{{1,2}} {_MONTH} \d{{4}} {_CLOCK}",  # Sat, 31 Jan 2026 23:59:59 GMT
    r"(?:\d{2}){3,4}[T ]\d\d:?\d\d:?\d\d(?:[.,]\d{1,9})?Z?",  # 20260131T235959Z, 260131 235959
    rf"[IWEF]\d{{4}} {_CLOCK}",  # klog: I0131 23:59:59.123456
    r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?",
    r"1\d{9}(?:\d{3}){0,3}(?:[.,]\d{1,9})?",  # seconds since 1970, or thousandths and smaller
)
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|SEVERE|ALERT|EMERG(?:ENCY)?|PANIC)"
_KEY = r"@?(?:time(?:stamp)?|ts|t|date(?:time)?|asctime|eventTime)"
_BEFORE = (
    r"<\d{1,3}>(?:\d )?",  # syslog's priority
    rf"[\[(<]?{_LEVEL}[\])>]?[ :|-]{{1,3}}[\[(<]?",
    r"\S{1,64} \S{1,40} \S{1,64} \[",  # an access line's address, identity and user
    rf'(?:[\w.]{{1,30}}=[^\s="]{{1,40}} ){{0,3}}{_KEY}="?',  # logfmt
    rf'\{{ ?(?:"[^\n]{{0,300}}?)?"{_KEY}" ?: ?"?',  # JSON
    r"\[pod/[^\]\n]{1,120}\] ",  # kubectl logs --prefix
    r"[\w.-]{1,60} {1,20}\| ",  # docker compose
    r"[\[(<]",
    r"[DIWEFA], \[",  # Ruby's logger
    r"[A-Za-z_][\w./-]{0,60} ",  # the program's name
)
_STAMPED = re.compile(
    rf"^(?:{'|'.join(_BEFORE)})??(?:(?P<stamp>{'|'.join(_TIMES)})(?!\w)|(?<=\[) {{0,8}}(?P<uptime>\d{{1,8}}\.\d{{6}})\])", re.MULTILINE
)
_LEVELLED = re.compile(rf"^[\[(<]?{_LEVEL}(?=[\])>]?[\s:|(\[-])", re.MULTILINE)
_ALIKE_LINES = 200  # looked at to tell whether a text is a log
_ALIKE_CHARS = 65_536
_FEWEST = 3


class LogRecord(NamedTuple):
    """From the first character of its first line to the first of the next record."""

    start: int
    end: int
    stamp: str  #: its time as it stands there; empty if it has none


def records_of(text: str) -> list[LogRecord]:
    """The text's records; they tile it. What stands before the first is one of its own."""
    starts = [(match.start(), match["stamp"] or match["uptime"]) for match in _STAMPED.finditer(text)]
    levelled = [(match.start(), "") for match in _LEVELLED.finditer(text)]
    if len(levelled) > len(starts):  # else the level stands on a record's second line, as java.util.logging writes it
        starts = sorted({**dict(levelled), **dict(starts)}.items())
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, ""))
    ends = [*(start for start, _ in starts[1:]), len(text)]
    return [LogRecord(start, end, stamp) for (start, stamp), end in zip(starts, ends, strict=True)]


def looks_like_log(text: str) -> bool:
    """Whether most of the text's first lines tell a time. Indented lines, which go on a record, do not count."""
    lines = (line for line in text[:_ALIKE_CHARS].split("\n") if line and not line[0].isspace())
    seen = list(islice(lines, _ALIKE_LINES))
    stamped = sum(1 for line in seen if _STAMPED.match(line))
    return stamped >= _FEWEST and stamped * 2 > len(seen)
