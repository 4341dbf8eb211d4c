"""Readings: what one reader was shown over all its connections, each of which goes on where the one before was. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from schemas.cursor import Cursor
from schemas.session_id import Session
from tests.robustness.history import Connection, Ending, Frame
from tests.robustness.log import Log
from tests.robustness.places import told

NO_RECORDS = frozenset({"gap", "closing", "error"})  #: frames that hold no record of the session


class Reading(NamedTuple):
    """One reader. A client that asked from an earlier place than it had reached, or otherwise, is another reader from there on."""

    client: str
    reader: str
    session: Session
    only: str | None  #: the answer whose records alone were asked for
    after: str | None  #: the first cursor; null: the session's beginning
    start: Cursor | None  #: what it says; null: nothing
    frames: tuple[Frame, ...]
    ended: Ending  #: its last connection

    @property
    def records(self) -> tuple[Frame, ...]:
        return tuple(frame for frame in self.frames if frame.type not in NO_RECORDS)

    @property
    def to_the_end(self) -> bool:
        """Whether its client took it that it had seen everything, or had waited for it in vain."""
        return self.ended in ("over", "caught-up", "hung")

    def __str__(self) -> str:
        what = f" of {self.only}" if self.only else ""
        return f"{self.client}/{self.reader} on {self.session.tenant}/{self.session.id}{what}"


def readings(log: Log) -> Iterator[Reading]:
    """All readers of a history that were shown the session's native stream. Refused connections showed nothing."""
    opened = sorted((one for one in log.history.connections if one.ended != "refused"), key=lambda one: (_who(one), one.start))
    for _, connections in groupby(opened, key=_who):
        yield from _in_turn(log, list(connections))


def between_gaps(log: Log, reading: Reading) -> Iterator[Reading]:
    """The reading's parts, each without a gap in it. One that a gap ends was not read to its end."""
    first = 0
    for number, frame in enumerate(reading.frames):
        if frame.type == "gap":
            yield reading._replace(frames=reading.frames[first:number], ended="cut")
            reading, first = reading._replace(after=frame.cursor, start=place(log, reading.session, frame.cursor)), number + 1
    yield reading._replace(frames=reading.frames[first:])


def place(log: Log, session: Session, text: str | None) -> Cursor | None:
    """What a cursor says; None if it says nothing, is none, or is another session's."""
    return told(log.run.cursor_secret, session, text) if text else None


def _who(one: Connection) -> tuple[str, str, str, str, str]:
    return one.client, one.reader, one.tenant, one.session_id, one.only or ""


def _in_turn(log: Log, connections: list[Connection]) -> Iterator[Reading]:
    turn: list[Connection] = []
    for connection in connections:
        if turn and not _goes_on(log, turn, connection):
            yield _reading(log, turn)
            turn = []
        turn.append(connection)
    yield _reading(log, turn)


def _goes_on(log: Log, turn: list[Connection], connection: Connection) -> bool:
    """Whether it begins where the ones before had come to, or behind that: a stream's first frame, that holds no record, gives a cursor, too."""
    shown = [frame.cursor for one in turn for frame in one.frames]
    told = shown[-1] if shown else turn[0].after
    reached, asked = (place(log, connection.session, text) for text in (told, connection.after))
    if reached is None or asked is None:
        return told == connection.after or (asked is not None and not shown)
    return asked.epoch == reached.epoch and asked.offset >= reached.offset


def _reading(log: Log, turn: list[Connection]) -> Reading:
    first, frames = turn[0], tuple(frame for one in turn for frame in one.frames)
    start = place(log, first.session, first.after)
    return Reading(first.client, first.reader, first.session, first.only, first.after, start, frames, turn[-1].ended)
