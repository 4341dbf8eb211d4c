"""Losses: what may be gone of a session, and from when on: somebody has forgotten it, or retention has cut it. Pure.

Whoever excuses something by a loss says when it was: what comes later excuses nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from schemas.cursor import Cursor
from schemas.session_id import Session
from schemas.topics import RETRIEVALS, SESSIONS, session_topic
from tests.robustness.history import Connection, Operation
from tests.robustness.places import told

if TYPE_CHECKING:
    from tests.robustness.log import Log

_Place = tuple[str, str, int]  # a question, the type of a record of it, and the offset where that lay


class Cut(NamedTuple):
    """A fault that cut a session, some time between its start and its end."""

    start: float
    end: float
    before: int | None  #: what lies below this offset; null: the broker had gone meanwhile, so that nobody knows whether it did anything


class Losses:
    """Of one history."""

    def __init__(self, log: Log) -> None:
        self._log = log

    # ------------------------------------------------------------------ forgotten

    def forgotten(self, session: Session, by: float = inf) -> bool:
        """Whether somebody had deleted the session by then, or may have."""
        return session in self.forgets and self.forgets[session] <= by

    @cached_property
    def forgets(self) -> dict[Session, float]:
        """From when on. A deletion that broke off and of which nothing came is none."""
        found: dict[Session, float] = {}
        for one in self._log.operations("forget"):
            if one.outcome == "ok" or (one.outcome == "unknown" and not self._still_there(one)):
                found.setdefault(one.session, one.start)
        return found

    def made_anew(self, session: Session) -> bool:
        """Whether what there is of it was written after somebody had deleted it: a question that was still on its way makes its session again."""
        return session in self._log.sessions and self.forgotten(session, self._log.at(self._log.sessions[session].entries[0].record))

    def _still_there(self, forget: Operation) -> bool:
        kept = self._log.run.topics.get(_topic_of(forget.session))
        return kept is not None and all(str(cursor.epoch) == kept.epoch for cursor in self._given_before(forget))

    def _given_before(self, forget: Operation) -> Iterator[Cursor]:
        """Cursors of the session, by whose epochs it can be told whether its topic was made anew since."""
        replies = (one.response for one in self._log.operations("ask", "regenerate") if one.session == forget.session and one.start < forget.start)
        shown = (one.frames[0].cursor for one in self._connections(forget.session) if one.frames and one.start < forget.start)
        for text in (*(reply["cursor"] for reply in replies if "cursor" in reply), *shown):
            if (here := self._place(forget.session, text)) is not None:
                yield here

    # ------------------------------------------------------------------ cut

    @cached_property
    def cuts(self) -> dict[Session, list[Cut]]:
        """What faults did. Whatever the broker knows of it afterwards: one that is killed within a minute has the records again, for it notes where
        a log begins that seldom (`log.flush.start.offset.checkpoint.interval.ms`)."""
        found: dict[Session, list[Cut]] = {}
        for fault in self._log.run.faults:
            if fault.kind == "cut-retention" and "session" in fault.detail:
                cut = Cut(fault.start, fault.start if fault.end is None else fault.end, fault.detail.get("before"))
                found.setdefault(Session(fault.detail["tenant"], fault.detail["session"]), []).append(cut)
        return found

    def first_kept(self, session: Session, at: float) -> int:
        """Below which offset the session's records may have been gone at that time."""
        known = (cut.before for cut in self.cuts.get(session, ()) if cut.before is not None and cut.start <= at)
        return max(self._cut_otherwise(session, at), *known, 0)

    def may_lack(self, session: Session, since: float) -> bool:
        """Whether what came into the session at that time, or later, may be gone in the end."""
        start, cuts = self._start(session), self.cuts.get(session, [])
        explained = start in {cut.before for cut in cuts}
        return start > 0 and (not explained or any(cut.end >= since for cut in cuts))

    @cached_property
    def asked_anew(self) -> frozenset[tuple[Session, str]]:
        """Questions that lay in their session before retention cut it, and lie in it behind the cut. Their worker had not acknowledged them, and
        the next one, to whom the session says nothing of them any more, answers them again."""
        return frozenset((session, query) for session in self._log.sessions.keys() | self.cuts.keys() for query in self._anew(session))

    def _anew(self, session: Session) -> set[str]:
        bounds = {cut.before or 0 for cut in self.cuts.get(session, ())} | {self._start(session)}
        places = set(self._places(session)) if any(bounds) else set[_Place]()
        found: set[str] = set()
        for bound in bounds:
            before = {query for query, _, offset in places if offset < bound}
            found |= {query for query, kind, offset in places if kind == "QueryAsked" and offset >= bound and query in before}
        return found

    def _places(self, session: Session) -> Iterator[_Place]:
        """Where records of questions are known to have lain: by the log, by what readers were shown, and by what was found for each question."""
        kept = self._log.sessions.get(session)
        for entry in kept.entries if kept else ():
            yield entry.marks.correlation, entry.marks.type, entry.record.offset
        for one in self._connections(session):
            for frame in one.frames:
                if frame.query and (here := self._place(session, frame.cursor)) is not None:
                    yield frame.query, frame.type, here.offset - 1
        for entry in self._log.events(RETRIEVALS.name):
            if (entry.event["tenant"], entry.event["session_id"]) == session:
                yield entry.event["query_id"], "QueryAsked", entry.event["session_offset"]

    def _start(self, session: Session) -> int:
        """Where the session's kept records begin, in the end."""
        if session in self._log.sessions:
            return self._log.sessions[session].start
        return max(self._log.kept(_topic_of(session)).starts.values(), default=0)

    def _cut_otherwise(self, session: Session, at: float) -> int:
        """Where its records begin by what no fault knows to have done: retention itself, or a fault that cannot tell."""
        cuts = self.cuts.get(session, [])
        doubtful = [cut.start for cut in cuts if cut.before is None]
        if doubtful and min(doubtful) <= at and self.forgotten(session):
            return sys.maxsize
        by_then = not doubtful or min(doubtful) <= at
        return self._start(session) if by_then and self._start(session) not in {cut.before for cut in cuts} else 0

    # ------------------------------------------------------------------ what both look at

    def _connections(self, session: Session) -> list[Connection]:
        return [one for one in self._log.history.connections if (one.tenant, one.session_id) == session]

    def _place(self, session: Session, cursor: str) -> Cursor | None:
        return told(self._log.run.cursor_secret, session, cursor)


def _topic_of(session: Session) -> str:
    return session_topic(*session) if session.placement == "topic" else SESSIONS.name
