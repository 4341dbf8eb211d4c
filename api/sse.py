"""Frames of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as bytes. Pure functions.

A record's value goes into its frame as it is: not decoded, not encoded again. Only a value with a line end in it is cut into several
`data:` lines, because a line end would end the field. Line ends and NUL are taken out of ids and types, so nothing can be injected.
"""

from __future__ import annotations

import re
from functools import lru_cache

HEARTBEAT = b":\n\n"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_UNSAFE = {ord("\r"): None, ord("\n"): None, 0: None}


def frame(cursor: str, event: str, value: bytes) -> bytes:
    """One record."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (_field(cursor), _type(event), data_lines(value))


def priming_frame(cursor: str, retry_ms: int) -> bytes:
    """The first frame: a client that loses the connection before any record already has a cursor to come back with."""
    return b"retry: %d\nid: %b\ndata:\n\n" % (retry_ms, _field(cursor))


def closing_frame(cursor: str, retry_ms: int, value: bytes) -> bytes:
    """The last frame before the server ends the stream on its own account; says when to come back, and with which cursor."""
    return b"retry: %d\n%b" % (retry_ms, frame(cursor, "closing", value))


def data_lines(value: bytes) -> bytes:
    """What follows the first `data: ` of a value; the client joins the lines with newlines."""
    if b"\n" not in value and b"\r" not in value:
        return value
    return b"\ndata: ".join(_LINE_END.split(value))


@lru_cache(maxsize=64)  # there are about ten types; a foreign producer may make up more
def _type(event: str) -> bytes:
    return _field(event)


def _field(text: str) -> bytes:
    if text.isascii() and text.isprintable():  # all but what somebody else made up
        return text.encode()
    return text.translate(_UNSAFE).encode("utf-8", "replace")
