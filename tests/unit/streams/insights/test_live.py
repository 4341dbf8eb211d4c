"""streams/insights/live.py and standing.py: rows that are kept up are those that a fold of the whole log gives."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

from hypothesis import assume
from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.codec import tombstone
from schemas.events import Event, FeedbackGiven, InsightsCounted
from schemas.insight_events import SECONDS, By, Figures, Window, kept_since
from schemas.moments import seconds_of
from schemas.record import Record
from schemas.spending import End
from schemas.topics import INSIGHTS
from streams.insights.gathering import Gathering
from streams.insights.grouping import rows_of, time_of
from streams.insights.live import LiveRows, Place
from streams.insights.standing import Standing
from tests.builders import CONTEXT, a_record
from tests.unit.streams.insights.judged_sessions import EVER, A, B, a_failure, asked, happenings
from tests.unit.streams.preferences.judged import UNHURRIED, an_answer, given

_Row = tuple[str, Window, str, By | None, str | None]
DAY = int(seconds_of("2026-11-01T00:00:00Z"))
NEXT = DAY + SECONDS["1d"]
FORGOTTEN = "2026-11-01T23:00:00.000Z"  # what is older, when the next day is the first that is kept
LOOKS: tuple[By | None, ...] = (None, *get_args(By))


class Board:
    """What one writer has in memory, and a topic that several write to."""

    def __init__(self, topic: list[Record], since: int = DAY) -> None:
        self.rows, self.standing, self._topic, self._read = LiveRows(since), Standing(since), topic, 0

    def add(self, *events: Event) -> None:
        for event in events:
            self.rows.add(event)

    def look(self, *, most: int | None = None) -> int:
        """Hear what was written, and write what is wrong, as far as it gets. Says how much."""
        for record in self._topic[self._read :]:
            self.standing.hear(record)
        self._read = len(self._topic)
        for place in self.rows.changed():
            self.standing.want(place, self.rows.row(place))
        wrong = list(self.standing.wrong(self.rows))[:most]
        for row_id, row in wrong:
            self._topic.append(a_record(row, INSIGHTS.name) if row else Record(INSIGHTS.name, 0, 0, *tombstone(row_id, CONTEXT)))
        return len(wrong)


def held(topic: list[Record]) -> dict[_Row, Figures]:
    """What the topic says, by its last records."""
    last = {record.key: record for record in topic}
    rows = [InsightsCounted.model_validate_json(record.value) for record in last.values() if record.value is not None]
    return {(row.tenant, row.window, row.start, row.by, row.value): row.figures for row in rows}


def folded(events: list[Event], since: int = DAY) -> dict[_Row, Figures]:
    """What `roxy insights` says."""
    gathering = Gathering(since)
    for event in events:
        gathering.add(event)
    judged = tuple(gathering.answers())
    looks = [(by, window) for by in LOOKS for window in SECONDS]
    return {(row.tenant, window, row.window or "", by, row.value): row.figures for by, window in looks for row in rows_of(judged, by, window)}


def is_settled(events: list[Event]) -> bool:
    """No older attempt ended hours after a later one, and nobody judged an answer hours before it ended, whatever the clocks."""
    ends = [event for event in events if isinstance(event, End) and event.time in EVER[:-1]]
    late = [end for end in ends if end.time >= FORGOTTEN]
    passed = any(_about(end) & _about(other) and end.attempt < other.attempt for end in late for other in ends if other.time < FORGOTTEN)
    said = [event for event in events if isinstance(event, FeedbackGiven)]
    return not passed and not any(_about(end) & _about(event) for end in late for event in said)


def _about(event: End | FeedbackGiven) -> set[tuple[str, ...]]:
    """The answers that it names."""
    named = {event.answer_id, event.better_than or ""} if isinstance(event, FeedbackGiven) else {event.answer_id}
    return {(event.tenant, event.session_id, name) for name in named}


events_of = st.lists(happenings(), max_size=10)


@UNHURRIED
@for_all(events_of.flatmap(lambda events: st.tuples(st.just(events), st.permutations(events + events[::2]), st.lists(st.booleans(), max_size=20))))
def test_rows_are_those_of_the_log_whatever_comes_when_and_how_often(case: tuple[list[Event], list[Event], list[bool]]) -> None:
    """However often is looked in between."""
    events, shuffled, looks = case
    topic: list[Record] = []
    board = Board(topic)
    for event, look in zip(shuffled, [*looks, *[False] * len(shuffled)], strict=False):
        board.add(event)
        if look:
            board.look()
    board.look()

    assert folded(events) == held(topic)
    assert 0 == board.look()


@UNHURRIED
@for_all(st.lists(st.tuples(happenings(), st.sampled_from(["both", "first", "second"]), st.integers(0, 9)), max_size=8), st.booleans())
def test_two_writers_and_those_that_were_killed_leave_the_same_rows(steps: list[tuple[Event, str, int]], restarted: bool) -> None:
    """One is behind, writes what is old, or is killed between two rows; whoever is left mends it."""
    topic: list[Record] = []
    first, second = Board(topic), Board(topic)
    events = [event for event, _, _ in steps]
    for event, who, most in steps:
        for name, board in (("first", first), ("second", second)):
            if who in ("both", name):
                board.add(event)
                board.look(most=most if name == "second" else None)
    left = Board(topic) if restarted else first
    left.add(*events)
    left.look()
    left.look()

    assert folded(events) == held(topic)


@UNHURRIED
@for_all(events_of, events_of)
def test_a_new_day_lets_go_of_the_oldest(before: list[Event], after: list[Event]) -> None:
    """Its rows stay as they stand, and those of later days are as if nothing of it had been heard."""
    assume(is_settled(before))
    topic: list[Record] = []
    board = Board(topic)
    board.add(*before)
    board.look()
    stood = held(topic)
    board.rows.forget(NEXT)
    board.standing.forget(NEXT)
    board.add(*after)
    board.look()
    late = folded([*(event for event in before if event.time >= FORGOTTEN), *after], NEXT)
    old = {row: figures for row, figures in stood.items() if seconds_of(row[2]) < NEXT}

    assert {**old, **late} == held(topic)


def test_windows_with_many_answers_come_to_the_same() -> None:
    """Tallied once, and put together with those of which there are few."""
    minutes = [0] * 7 + [1] * 3 + [60, 61, 300]
    answers = [an_answer(f"a-{n}", time=time_of(DAY + 60 * minute), took_ms=n * 0.1, citations=(A, B)) for n, minute in enumerate(minutes)]
    events: list[Event] = [*answers, given(answer_id="a-3", chunk_id=A.chunk_id, thumb="down"), given("f2", "a-12", thumb="up")]
    topic: list[Record] = []
    board = Board(topic)
    board.add(*events)
    board.look()

    assert folded(events) == held(topic)


def test_no_step_of_a_look_takes_a_whole_long_session() -> None:
    """The worker that looks has answers to write in between; also where nothing but one more question has come."""
    rows = LiveRows(DAY)
    for number in range(500):
        rows.add(an_answer(f"a-{number}", time=time_of(DAY + number)))
    kept = [0, *(len(rows) for _ in rows.look())]
    rows.add(asked())
    again = sum(1 for _ in rows.look())

    assert max(after - before for before, after in pairwise(kept)) <= 50
    assert (500, 10) <= (kept[-1], again)


def test_a_row_without_answers_is_taken_back() -> None:
    """The last attempt ended in another window."""
    topic: list[Record] = []
    board = Board(topic)
    board.add(an_answer(attempt=1, time="2026-11-01T10:00:00Z"))
    board.look()
    board.add(a_failure(attempt=2, time="2026-11-01T11:00:00Z"))
    board.look()

    assert {"2026-11-01T11:00:00.000Z"} == {start for _, window, start, _, _ in held(topic) if window == "1h"}
    assert {None} == {by for _, _, _, by, _ in held(topic)}


def test_a_row_that_somebody_else_wrote_is_put_right() -> None:
    """Also one that nobody counts; keys that are no row's are left alone."""
    topic: list[Record] = []
    board = Board(topic)
    board.add(an_answer())
    board.look()
    right = held(topic)
    row = board.rows.row(Place("default", "1d", DAY, None, ""))
    assert row is not None
    topic.append(a_record(row.model_copy(update={"id": "mine", "figures": Figures(answers=9)}), INSIGHTS.name))
    topic.append(a_record(row.model_copy(update={"row_id": row.row_id.replace("1d", "1h"), "id": "mine"}), INSIGHTS.name))
    topic.append(a_record(row.model_copy(update={"row_id": "mine", "id": "mine", "value": "mine"}), INSIGHTS.name))

    assert 2 == board.look()
    assert right == {place: figures for place, figures in held(topic).items() if place[-1] != "mine"}


def test_what_was_forgotten_takes_no_memory() -> None:
    """Neither answers, nor judgements, nor rows."""
    board = Board([])
    board.add(an_answer(), given(), asked(), an_answer("a-9", time="2026-11-02T10:00:00Z"))
    board.look()
    board.rows.forget(NEXT)
    board.standing.forget(NEXT)

    assert (1, 9) == (len(board.rows), len(board.standing))
    assert [] == list(board.standing.wrong(board.rows))


def test_days_are_kept_whole() -> None:
    """Today, and so many before it."""
    assert [DAY, DAY, NEXT] == [kept_since(NEXT + 3.5, 1), kept_since(NEXT + SECONDS["1d"] - 1, 1), kept_since(NEXT, 0)]
