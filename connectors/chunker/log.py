"""Chunks of whole log records, packed up to the limit: a stack trace or a wrapped line stays with the line that it belongs to.

Only a record that is too long by itself is cut: before lines that are not indented (`Caused by: …`), then between lines, then between
words. A chunk stands under its time range, so that a question with a date finds it, and a chunk that begins within a record also
under that record's first line. Neighbours share nothing: a record repeated would be one that happened twice.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from connectors.chunker.base import Piece
from connectors.chunker.log_records import LogRecord, records_of
from connectors.chunker.spans import LINE, Span, as_piece, join_short, packed, parts_of
from connectors.chunker.thread import in_turn
from connectors.chunker.words import Words, as_words

_UNINDENTED = re.compile(r"\n(?=\S)")
_FIRST_LINE_CHARS = 120


class LogChunker:
    """The backend for logs. Limits are in tokens."""

    def __init__(self, *, limit: int, minimum: int) -> None:
        self._limit = as_words(limit)
        self._minimum = min(as_words(minimum + 1), self._limit // 2)

    async def cut(self, text: str) -> list[Piece]:
        """The text's pieces in order."""
        return await in_turn(self._cut, text)

    def _cut(self, text: str) -> list[Piece]:
        records = records_of(text)
        spans = join_short(packed(self._units(text, records), self._limit), self._minimum, self._limit)
        starts = [record.start for record in records]
        return [as_piece(text, span._replace(path=_path(text, records, starts, span))) for span in spans]

    def _units(self, text: str, records: Sequence[LogRecord]) -> Iterator[Span]:
        """The records; those above the limit in parts."""
        words = Words(text)
        for record in records:
            for part in parts_of(words, record.start, record.end, (_UNINDENTED, LINE), self._limit):
                yield Span(*part)


def _path(text: str, records: Sequence[LogRecord], starts: Sequence[int], span: Span) -> tuple[str, ...]:
    """First and last time; and the first line of the record that goes on here."""
    within = records[bisect_right(starts, span.start) - 1 : bisect_left(starts, span.end)]
    times = [record.stamp for record in within if record.stamp]
    path = tuple(times[:1]) if times[:1] == times[-1:] else (f"{times[0]} – {times[-1]}",)
    if span.start > within[0].start and text[within[0].start : span.start].strip():
        first_line, _, _ = text[within[0].start : within[0].start + _FIRST_LINE_CHARS].partition("\n")
        return *path, first_line.strip()
    return path
