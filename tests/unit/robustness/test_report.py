"""tests/robustness/report.py: what was measured is told, and what was not, is not."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from tests.robustness.history import Fault, History
from tests.robustness.report import as_dict, show
from tests.robustness.run import Outcome, Wanted
from tests.unit.robustness.test_gaps import a_history, asked, read

SEEN, UNSEEN = Fault("kill-worker", "worker-1", 10.0, 20.0), Fault("kill-worker", "worker-2", 30.0, 40.0)
UNDONE = Fault("forget-session", "session", 50.0, 51.0, {"done": False})


def test_a_fault_that_nobody_was_there_to_see_does_not_count_as_a_gap_of_nothing() -> None:
    """It is told how many there were."""
    told = _printed()

    assert ["worker", "killed", "2", "1", "7.00", "7.00", "7.00"] in told
    assert [7.0, None] == [fault["gap_s"] for fault in as_dict(_outcome())["faults"]]


def test_a_fault_that_could_not_be_done_is_told() -> None:
    """There was nothing to do it to."""
    assert ["forget-session", "1", "1", "session", "1.0"] in _printed()
    assert [{"kind": "forget-session", "target": "session", "at_s": 50.0}] == as_dict(_outcome())["not_done"]


def _printed() -> list[list[str]]:
    printed = StringIO()
    show(_outcome(), Console(width=200, file=printed))
    return [line.split() for line in printed.getvalue().splitlines()]


def _outcome() -> Outcome:
    return Outcome(Wanted(1, 1.0, "all"), Path("runs"), _history(), ())


def _history() -> History:
    history = a_history([read("q1", 9.0, 17.0)], [asked("q1", 8.0)])
    return history._replace(run=history.run._replace(faults=(SEEN, UNSEEN, UNDONE)))
