"""Gathering: answers and feedback, of any order and any number of times, as one row an answer with all that was said of it.

Nothing is added up before it is asked for, so a record that comes again changes nothing (streams/insights/session_fold.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.events import Event, RecordDeadLettered
from schemas.moments import seconds_of
from streams.insights.session_fold import Folded, JudgedAnswer, SessionFold

SessionKey = tuple[str, str]  #: tenant and session id
_SETTLED_S = 3600.0  # behind which no stale end of an older attempt comes any more, and no clock is wrong


class Failure(NamedTuple):
    """A record that no step could finish."""

    tenant: str
    error: str  #: slug of the error class
    step: str


class Gathering:
    """Events since some moment, by their own times."""

    def __init__(self, since: float = 0.0) -> None:
        self._since = since  # seconds since 1970
        self._sessions: dict[SessionKey, SessionFold] = {}
        self._failures: dict[str, tuple[float, Failure]] = {}  # by event id, when and what, last
        self._unusable: set[str] = set()

    def add(self, event: Event) -> SessionKey | None:
        """The session of whose answers something else may be to be said now."""
        try:
            if isinstance(event, Folded):
                key = (event.tenant, event.session_id)
                self._sessions.setdefault(key, SessionFold()).add(event)
                return key
            if isinstance(event, RecordDeadLettered):
                failure = (seconds_of(event.time), Failure(event.tenant, event.error, event.step))
                self._failures[event.id] = max(failure, self._failures.get(event.id, failure))
        except ValueError:
            self._unusable.add(event.id)
        return None

    def answers(self) -> Iterator[JudgedAnswer]:
        """Since that moment, in order of tenant, session and answer."""
        for key in sorted(self._sessions):
            yield from self.answers_of(key)

    def answers_of(self, key: SessionKey) -> Iterator[JudgedAnswer]:
        """Those of one session."""
        if key in self._sessions:
            yield from self._sessions[key].judged(self._since)

    def forget(self, since: float) -> None:
        """Begin later than so far: what is older is let go."""
        self._since = since
        self._sessions = {key: session for key, session in self._sessions.items() if not session.forget(since - _SETTLED_S)}
        self._unusable.clear()

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(sorted(failure for at, failure in self._failures.values() if at >= self._since))

    @property
    def unusable(self) -> int:
        """Events whose time, or one of whose figures, is none: they belong nowhere."""
        return len(self._unusable)
