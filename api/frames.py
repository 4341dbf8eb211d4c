"""What a stream's records look like on the wire: the native form, where a record's value is passed through. Used by api/session_stream.py.

Other protocols have frames of their own (api/protocols). Pure functions of what they are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import orjson

from api.open_streams import Ending
from api.reading import Shown, ShownGap
from api.sse import closing_frame, frame, priming_frame
from schemas.http_bodies import Problem


class Frames(Protocol):
    """One stream's frames, asked for in the order in which they go out. Empty: nothing goes out."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the response, beside those of every stream."""
        ...

    def opening(self, cursor: str, retry_ms: int) -> bytes:
        """Before any record."""
        ...

    def record(self, entry: Shown) -> bytes: ...

    def gap(self, entry: ShownGap) -> bytes: ...

    def failed(self, cursor: str, problem: Problem) -> bytes:
        """The last frame, after an error."""
        ...

    def closing(self, cursor: str, retry_ms: int, ending: Ending) -> bytes:
        """The last frame, when the server ends the stream on its own account."""
        ...


class NativeFrames:
    """A record as it lies in Kafka, with a cursor behind it."""

    headers: Mapping[str, str] = MappingProxyType({})

    def opening(self, cursor: str, retry_ms: int) -> bytes:
        return priming_frame(cursor, retry_ms)

    def record(self, entry: Shown) -> bytes:
        return frame(entry.cursor, entry.type, entry.value)

    def gap(self, entry: ShownGap) -> bytes:
        return frame(entry.resumes, "gap", orjson.dumps(entry._asdict()))

    def failed(self, cursor: str, problem: Problem) -> bytes:
        return frame(cursor, "error", orjson.dumps(problem.model_dump(exclude_none=True)))

    def closing(self, cursor: str, retry_ms: int, ending: Ending) -> bytes:
        return closing_frame(cursor, retry_ms, orjson.dumps({"reason": ending, "cursor": cursor}))


NATIVE = NativeFrames()
