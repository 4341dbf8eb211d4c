"""streams/insights/arms.py: arms of an experiment, compared over sessions."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.events import Event
from streams.insights.arms import Difference, compared
from streams.insights.gathering import Gathering
from tests.unit.streams.preferences.judged import an_answer, given


def session(number: int, arm: str, *, answers: int = 2, good: bool = True) -> Iterator[Event]:
    """Answers of one session in an arm; the first is marked."""
    where = {"session_id": f"t{number}"}
    for each in range(answers):
        yield an_answer(f"a-{number}.{each}", arms={"words": arm}, answered=good or each % 2 == 0, took_ms=100.0 + number, **where)
    yield given("f", f"a-{number}.0", thumb="up" if good else "down").model_copy(update=where)


def differences(*sessions: Iterator[Event]) -> dict[str, Difference]:
    gathering = Gathering()
    for events in sessions:
        for event in events:
            gathering.add(event)
    return {one.figure: one for one in compared(gathering.answers())}


def test_an_arm_that_is_better_is_told_from_one_that_is_not() -> None:
    """With an interval that does not hold zero, against the arm with the most sessions."""
    better = [session(number, "new", good=number % 5 > 0) for number in range(40)]
    found = differences(*better, *(session(number, "old", good=number % 5 == 0) for number in range(100, 150)))
    mark = found["mark"]

    assert ("words", "new", "old", (40, 50)) == (mark.experiment, mark.arm, mark.against, mark.sessions)
    assert abs(0.6 - mark.difference) < 1e-9
    assert mark.low is not None
    assert 0 < mark.low < 0.6
    assert mark.p_value is not None
    assert mark.p_value < 0.001


def test_a_talkative_session_is_one_session() -> None:
    """A thousand answers of one user do not make an arm certain."""
    talkative = [session(0, "new", answers=1000), session(1, "new", good=False)]
    found = differences(*talkative, *(session(number, "old", good=number % 2 == 0) for number in range(100, 104)))["answered"]

    assert (2, 4) == found.sessions
    assert found.p_value is None or found.p_value > 0.01


def test_without_spread_there_is_no_interval() -> None:
    """All the same: a difference of nothing, and nothing more to say."""
    found = differences(*(session(number, "new") for number in range(3)), *(session(number, "old") for number in range(10, 13)))["answered"]

    assert (0.0, None) == (found.difference, found.p_value)


def test_what_cannot_be_compared_is_not() -> None:
    """One session has no spread; one that was in both arms says nothing of either; what nobody marked has no marks."""
    both = [*session(7, "new"), *session(7, "old")]
    both[3:] = [an_answer("a-7.9", session_id="t7", arms={"words": "old"})]

    assert {} == differences(session(1, "new"), session(2, "old"), session(3, "old"), iter(both))
