"""How long nobody was served, by a history of a few lines."""

from __future__ import annotations

import pytest

from tests.robustness.gaps import gaps
from tests.robustness.history import Connection, Ending, Fault, Frame, History, Operation, Run

FAULT_AT = 10.0


def a_history(connections: list[Connection], operations: list[Operation], kind: str = "kill-worker") -> History:
    fault = Fault(kind, "worker-1", FAULT_AT, 20.0)
    return History(Run(1, "", {}, (fault,), 60.0, 60.0, "", 60.0, {}), tuple(operations), tuple(connections), {})


def asked(query: str, at: float, *, session: str = "s1", accepted: float | None = None, outcome: str = "ok") -> Operation:
    end = at + 0.1 if accepted is None else accepted
    request = {"session": session, "text": "?", "key": query}
    return Operation("ann", "ask", "acme", at, end, "", request, outcome, 202, {"query_id": query} if outcome == "ok" else {})  # type: ignore[arg-type]


def read(query: str, *moments: float, session: str = "s1", ended: Ending = "over", until: float | None = None) -> Connection:
    frames = tuple(Frame(at, "", "TokensGenerated", query=query) for at in moments)
    return Connection("ann", f"r-{query}", "acme", session, moments[0], until or moments[-1], "", None, query, ended, 200, frames)


def longest(connections: list[Connection], operations: list[Operation]) -> float:
    (gap,) = gaps(a_history(connections, operations))
    return pytest.approx(gap.longest_s)  # type: ignore[return-value]


def test_an_answer_that_stands_still_makes_a_gap_to_its_next_piece() -> None:
    """From the fault, not from the piece before it."""
    assert longest([read("q1", 9.0, 9.9, 17.0, 17.1)], [asked("q1", 8.0)]) == 7.0


def test_the_answer_that_waits_longest_counts() -> None:
    """Not the one that nothing happened to."""
    answers = [read("q1", 9.0, 10.1, 10.2), read("q2", 9.0, 18.0, session="s2")]

    assert longest(answers, [asked("q1", 8.0), asked("q2", 8.0, session="s2")]) == 8.0


def test_a_question_behind_the_fault_waits_from_when_it_was_asked() -> None:
    """Its first piece is what its client waits for."""
    assert longest([read("q1", 18.0, 18.1)], [asked("q1", 12.0)]) == 6.0


def test_waiting_behind_another_question_of_the_session_is_no_gap() -> None:
    """Questions of one session are answered one after the other, faults or not."""
    answers = [read("q1", 9.0, 10.5, 16.0), read("q2", 16.2, 16.3)]

    assert longest(answers, [asked("q1", 8.0), asked("q2", 11.0)]) == 0.5


def test_what_a_reader_was_away_by_its_own_will_is_no_gap() -> None:
    """It came back when it wanted to."""
    answers = [read("q1", 9.0, 9.5, ended="cut"), read("q1", 14.0, 14.1)]

    assert longest(answers, [asked("q1", 8.0)]) == 0.0


def test_a_connection_that_broke_is_one() -> None:
    """Nobody wanted that."""
    answers = [read("q1", 9.0, 9.5, ended="broke"), read("q1", 14.0, 14.1)]

    assert longest(answers, [asked("q1", 8.0)]) == 4.0


def test_a_question_that_is_accepted_late_makes_a_gap() -> None:
    """From its first try on."""
    tries = [asked("q1", 11.0, accepted=12.0, outcome="unknown"), asked("q1", 13.0, accepted=15.5)]

    assert longest([], tries) == 4.5


def test_a_question_that_is_never_accepted_makes_a_gap_to_its_last_try() -> None:
    """Its client has lost patience."""
    tries = [asked("q1", 11.0, accepted=12.0, outcome="refused"), asked("q1", 13.0, accepted=71.0, outcome="unknown")]

    assert longest([], tries) == 60.0


def test_an_answer_that_never_goes_on_makes_a_gap_to_the_end_of_its_reader() -> None:
    """Somebody has waited for so long: in the middle of it, or from the question on."""
    begun, never = read("q1", 9.0, until=40.0, ended="hung"), read("q2", 12.0, until=50.0, ended="hung")

    assert longest([begun], [asked("q1", 8.0)]) == 30.0
    assert longest([never._replace(frames=())], [asked("q2", 11.0)]) == 39.0


def test_an_answer_that_had_ended_waits_for_nothing() -> None:
    """Although its connection is still open."""
    answered = read("q1", 9.0, until=40.0)
    answered = answered._replace(frames=(*answered.frames, Frame(9.5, "", "AnswerCompleted", query="q1")))

    assert [0] == [gap.seen for gap in gaps(a_history([answered], [asked("q1", 8.0)]))]


def test_faults_that_take_nothing_away_have_no_gap() -> None:
    """A deleted topic is gone for good."""
    assert [] == gaps(a_history([], [], kind="forget-session"))
