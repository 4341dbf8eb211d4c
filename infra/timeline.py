"""Timeline: a session's records as moments that people can read: when, who, what, and the words of it. A pure fold; infra/history.py shows it.

Moments of one question stand together, its other answers among them, in the order of the session. The text of an answer stands where it ended,
folded from what counts of its attempts; what does not count is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from connectors.session_log.base import Gap, SessionRecord
from infra.moments import Moment, moment_of
from schemas.attempts import AttemptFilter
from schemas.codec import decoded
from schemas.cursor import Cursor
from schemas.events import TERMINAL, AnswerCompleted, Event, GenerationStarted, QueryCancelled, TokensGenerated, now

CUT = "records before this are gone: the session's retention has cut them"


class Told(NamedTuple):
    """A record, and whether it counts: of an answer's attempts the highest does, nothing behind its end, and nothing twice."""

    record: SessionRecord
    counts: bool


def told(entries: Iterable[SessionRecord | Gap], beginning: Cursor) -> list[Told]:
    """A session's records from its beginning on. Gaps can only lie before that."""
    counts = AttemptFilter(whole=beginning.whole)
    return [Told(entry, counts.admits(entry.marks)) for entry in entries if isinstance(entry, SessionRecord)]


def timeline(records: Iterable[Told]) -> list[Moment]:
    """The moments, question after question."""
    line = _Timeline()
    for record in records:
        line.take(record)
    return line.moments()


class _Answer:
    """One answer as its records come."""

    def __init__(self) -> None:
        self.attempt = -1
        self.texts: list[str] = []
        self.ended = False

    def take(self, event: Event) -> None:
        if isinstance(event, GenerationStarted):
            self.attempt = event.attempt
            del self.texts[event.resumes_at :]
        elif isinstance(event, TokensGenerated) and event.index <= len(self.texts):  # behind a hole nothing counts
            self.texts[event.index :] = [event.text]
        self.ended = self.ended or event.type in TERMINAL


class _Timeline:
    """The fold."""

    def __init__(self) -> None:
        self._moments: dict[str, list[Moment]] = {}  # by question
        self._answers: dict[tuple[str, str], _Answer] = {}  # by question and answer
        self._stale: Counter[tuple[str, str]] = Counter()

    def take(self, told: Told) -> None:
        marks = told.record.marks
        about = marks.correlation, (marks.answer or b"").decode("utf-8", "replace")
        if not told.counts:
            self._stale[about] += 1
            return
        event = decoded(told.record.record)
        if event is None:
            self._add(about[0], Moment("", "", f"a record that cannot be read lies at {told.record.record.position}", kind="odd"))
            return
        of_one = about[1] and not isinstance(event, QueryCancelled)  # that may name what nobody has asked for
        answer = self._answers.setdefault(about, _Answer()) if of_one else _Answer()
        taken_over = isinstance(event, GenerationStarted) and answer.attempt >= 0
        answer.take(event)
        if not isinstance(event, TokensGenerated):
            self._add(about[0], moment_of(event, _text(event, answer), taken_over=taken_over))

    def moments(self) -> list[Moment]:
        for (query_id, answer_id), answer in self._answers.items():
            if not answer.ended:
                self._add(query_id, Moment(now(), "", f"{answer_id} is not ended", "".join(answer.texts), "answer"))
        for (query_id, answer_id), count in self._stale.items():
            records = "record does" if count == 1 else "records do"
            self._add(
                query_id,
                Moment("", "", f"{count} {records} not count, of {answer_id or 'the question'}: of an older attempt, or written twice", kind="odd"),
            )
        return list(chain.from_iterable(self._moments.values()))

    def _add(self, query_id: str, moment: Moment) -> None:
        self._moments.setdefault(query_id, []).append(moment)


def _text(event: Event, answer: _Answer) -> str:
    """Of an answer's end, its text. One that is whole tells it itself, should retention have cut its pieces."""
    if event.type not in TERMINAL:
        return ""
    return event.text if isinstance(event, AnswerCompleted) else "".join(answer.texts)
