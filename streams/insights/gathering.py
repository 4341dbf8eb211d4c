"""Gathering: answers and feedback, of any order and any number of times, as one row an answer with all that was said of it.

What is kept is a last value for each answer and, for each rater and target, what counts (streams/preferences/judgements.py). Nothing is added up
before all is there, so a record that comes again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.events import AnswerCompleted, Event, FeedbackGiven, FeedbackRetracted, RecordDeadLettered
from streams.insights.answer_row import AnswerRow, digest_of, row_of, seconds_of
from streams.preferences.judgements import Judgements, mark_of

_SessionKey = tuple[str, str]  # tenant and session id


class JudgedAnswer(NamedTuple):
    """An answer and what people said of it. Of each rater there is at most one mark, correction and so on."""

    answer: AnswerRow
    marks: tuple[float, ...] = ()
    thumbs: tuple[str, ...] = ()  #: "up" or "down"
    corrections: int = 0
    won: int = 0  #: comparisons
    lost: int = 0
    tags: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    chunk_marks: tuple[tuple[str, float], ...] = ()  #: document, and a mark for one of its chunks


class Failure(NamedTuple):
    """A record that no step could finish."""

    tenant: str
    error: str  #: slug of the error class
    step: str


class Gathering:
    """Events since some moment, by their own times."""

    def __init__(self, since: float = 0.0) -> None:
        self._since = since  # seconds since 1970
        self._answers: dict[_SessionKey, dict[str, AnswerRow]] = {}
        self._judgements: dict[_SessionKey, Judgements] = {}
        self._failures: dict[str, tuple[float, Failure]] = {}  # by event id, when and what, last
        self._without_time: set[str] = set()

    def add(self, event: Event) -> None:
        """Feedback is kept whatever its time: what it is about decides."""
        if isinstance(event, FeedbackGiven | FeedbackRetracted):
            self._judgements.setdefault((event.tenant, event.session_id), Judgements()).add(event)
            return
        try:
            if isinstance(event, AnswerCompleted):
                self._add_answer(row_of(event))
            elif isinstance(event, RecordDeadLettered):
                failure = (seconds_of(event.time), Failure(event.tenant, event.error, event.step))
                self._failures[event.id] = max(failure, self._failures.get(event.id, failure))
        except ValueError:
            self._without_time.add(event.id)

    def answers(self) -> Iterator[JudgedAnswer]:
        """Since that moment, in order of tenant, session and answer."""
        for key in sorted(self._answers):
            said = _Said({answer_id: row for answer_id, row in self._answers[key].items() if row.at >= self._since})
            judgements = self._judgements.get(key, Judgements())
            for event in judgements:
                said.take_tags(event)
            for target, event in judgements.last().items():
                said.take(target.kind, event)
            yield from said

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(sorted(failure for at, failure in self._failures.values() if at >= self._since))

    @property
    def without_time(self) -> int:
        """Events whose time is none: they belong nowhere."""
        return len(self._without_time)

    def _add_answer(self, row: AnswerRow) -> None:
        """Its time is looked at when all is there: an answer lies where its last attempt ended."""
        rows = self._answers.setdefault((row.tenant, row.session_id), {})
        before = rows.get(row.answer_id)
        if before is None or before.order < row.order:
            rows[row.answer_id] = row


class _Said:
    """What was said of the answers of one session."""

    def __init__(self, rows: dict[str, AnswerRow]) -> None:
        self._of = {answer_id: JudgedAnswer(rows[answer_id]) for answer_id in sorted(rows)}
        self._tags: dict[str, set[tuple[str, str]]] = {}  # by answer, rater and tag

    def take_tags(self, event: FeedbackGiven) -> None:
        """A rater who gives the same reason twice has given it once."""
        if event.chunk_id is None:
            self._tags.setdefault(event.answer_id, set()).update((event.given_by, tag) for tag in event.tags)

    def take(self, kind: str, event: FeedbackGiven) -> None:
        """What counts of one rater about one target."""
        if kind == "comparison" and event.better_than != event.answer_id:
            self._add(event.answer_id, won=1)
            self._add(event.better_than or "", lost=1)
        one = self._of.get(event.answer_id)
        if one is None:
            return
        if kind == "mark":
            self._add(event.answer_id, marks=(mark_of(event),), thumbs=(event.thumb,) if event.thumb else ())
        elif kind == "correction" and digest_of(event.correction or "") != one.answer.digest:
            self._add(event.answer_id, corrections=1)
        elif kind == "signal":
            self._add(event.answer_id, signals=(str(event.signal),))
        elif kind == "chunk":
            document = dict(one.answer.cited).get(event.chunk_id or "", "")
            self._add(event.answer_id, chunk_marks=((document, mark_of(event)),))

    def __iter__(self) -> Iterator[JudgedAnswer]:
        for answer_id, one in self._of.items():
            yield one._replace(tags=tuple(sorted(tag for _, tag in self._tags.get(answer_id, ()))))

    def _add(self, answer_id: str, **more: int | tuple[object, ...]) -> None:
        one = self._of.get(answer_id)
        if one is not None:
            self._of[answer_id] = one._replace(**{name: getattr(one, name) + value for name, value in more.items()})
