"""SessionFold: of one session the ends of its answers, what was asked for and what people said, folded to a JudgedAnswer for each answer.

What is kept is a last value for each answer and, for each rater and target, what counts (streams/preferences/judgements.py). So events may come
in any order, any number of times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from schemas.event import rfc3339
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, FeedbackGiven, FeedbackRetracted, QueryAsked, RegenerationAsked
from schemas.moments import seconds_of
from streams.insights.answer_row import AnswerRow, digest_of, row_of
from streams.preferences.implicit import Wishes, WishesInOrder
from streams.preferences.judgements import Judgements, last_of, mark_of

Folded = AnswerCompleted | AnswerFailed | AnswerCancelled | FeedbackGiven | FeedbackRetracted | QueryAsked | RegenerationAsked


class JudgedAnswer(NamedTuple):
    """An answer and what people said of it. Of each rater there is at most one mark, correction and so on, and none of what did not become whole."""

    answer: AnswerRow
    marks: tuple[float, ...] = ()
    thumbs: tuple[str, ...] = ()  #: "up" or "down"
    corrections: int = 0
    won: int = 0  #: comparisons
    lost: int = 0
    tags: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()  #: what people did with it
    chunk_marks: tuple[tuple[str, float], ...] = ()  #: document, and a mark for one of its chunks


class SessionFold:
    """Events of one session."""

    def __init__(self) -> None:
        self._rows: dict[str, AnswerRow] = {}
        self._judgements = Judgements()
        self._wishes = Wishes()

    def add(self, event: Folded) -> None:
        """Feedback is kept whatever its time: what it is about decides. Raises ValueError for a time that is none."""
        match event:
            case FeedbackGiven() | FeedbackRetracted():
                self._judgements.add(event)
            case QueryAsked() | RegenerationAsked():
                self._wishes.add(event, seconds_of(event.time))
            case _:
                row = row_of(event)
                before = self._rows.get(row.answer_id)
                if before is None or before.order < row.order:
                    self._rows[row.answer_id] = row

    def judged(self, since: float) -> Iterator[JudgedAnswer]:
        """Its answers that ended since a moment, in order. An answer lies where its last attempt ended."""
        said = _Said({answer_id: row for answer_id, row in self._rows.items() if row.at >= since}, self._wishes.in_order())
        sound = [event for event in self._judgements if said.fits(event)]
        for event in sound:
            said.take_tags(event)
        for target, event in last_of(sound).items():
            said.take(target.kind, event)
        yield from said

    def forget(self, before: float) -> bool:
        """Let go of what is older. True: nothing is left."""
        self._rows = {answer_id: row for answer_id, row in self._rows.items() if row.at >= before}
        self._judgements.forget(rfc3339(datetime.fromtimestamp(before, UTC)))
        self._wishes.forget(before)
        return not (self._rows or self._wishes or self._judgements)


class _Said:
    """What was said of the answers of one session."""

    def __init__(self, rows: dict[str, AnswerRow], wishes: WishesInOrder) -> None:
        self._rows, self._wishes = rows, wishes
        self._of: dict[str, JudgedAnswer] = {}  # those that something was said of
        self._tags: dict[str, set[tuple[str, str]]] = {}  # by answer, rater and tag

    def fits(self, event: FeedbackGiven) -> bool:
        """Whether its worker takes it, as far as its answers are known here (schemas/feedback_check.py). Of what is older nothing is."""
        named = {event.answer_id, event.better_than or ""} & self._rows.keys()
        if any(self._rows[answer_id].query_id != event.query_id for answer_id in named):
            return False
        row = self._rows.get(event.answer_id)
        return event.chunk_id is None or row is None or not row.whole or event.chunk_id in row.chunks

    def take_tags(self, event: FeedbackGiven) -> None:
        """A rater who gives the same reason twice has given it once."""
        if event.chunk_id is None:
            self._tags.setdefault(event.answer_id, set()).update((event.given_by, tag) for tag in event.tags)

    def take(self, kind: str, event: FeedbackGiven) -> None:
        """What counts of one rater about one target."""
        if kind == "comparison" and event.better_than != event.answer_id:
            self._add(event.answer_id, won=1)
            self._add(event.better_than or "", lost=1)
        row = self._rows.get(event.answer_id)
        if row is None:
            return
        if kind == "mark":
            self._add(event.answer_id, marks=(mark_of(event),), thumbs=(event.thumb,) if event.thumb else ())
        elif kind == "correction" and digest_of(event.correction or "") != row.digest:
            self._add(event.answer_id, corrections=1)
        elif kind == "signal":
            self._add(event.answer_id, signals=(str(event.signal),))
        elif kind == "chunk":
            document = dict(row.cited).get(event.chunk_id or "", "")
            self._add(event.answer_id, chunk_marks=((document, mark_of(event)),))

    def __iter__(self) -> Iterator[JudgedAnswer]:
        for answer_id in sorted(self._rows):
            row = self._rows[answer_id]
            one = self._of.get(answer_id) or JudgedAnswer(row)
            tags = self._tags.get(answer_id, ()) if row.whole else ()
            yield one._replace(signals=_told(row, self._wishes) + one.signals, tags=tuple(sorted(tag for _, tag in tags)))

    def _add(self, answer_id: str, **more: int | tuple[object, ...]) -> None:
        row = self._rows.get(answer_id)
        if row is not None and row.whole:
            one = self._of.get(answer_id) or JudgedAnswer(row)
            self._of[answer_id] = one._replace(**{name: getattr(one, name) + value for name, value in more.items()})


def _told(row: AnswerRow, wishes: WishesInOrder) -> tuple[str, ...]:
    if row.ended is not None:
        return wishes.told_of(row.ended)
    return ("cut-off",) if row.cut_off else ()
