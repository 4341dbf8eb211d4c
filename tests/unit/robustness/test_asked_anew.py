"""Questions that retention had cut from their session before they were delivered again: answered once more, and seen twice by who was there."""

from __future__ import annotations

import pytest

from schemas.topics import QUERIES
from tests.robustness.history import Fault, Frame, History
from tests.robustness.log import Log
from tests.unit.robustness.breaking import found_by, own, with_frames, written_at
from tests.unit.robustness.sound import OWN, sound

QUESTIONS = {"q1", "q2", "q3"}


def cutwritten_at(second: float, *, written_s: float = 60.0) -> History:
    """The session is cut; its questions, which were asked at 10 s, lie there since `written_s`."""
    history = written_at(written_at(sound(), QUERIES.name, 10.0), own(OWN), written_s)
    fault = Fault("cut-retention", "session", second, second + 1, {"tenant": OWN.tenant, "session": OWN.id, "before": 0})
    return history._replace(run=history.run._replace(faults=(fault,)))


@pytest.mark.parametrize(("cut_s", "anew"), [(30.0, True), (5.0, False), (90.0, False)])
def test_what_was_asked_before_the_cut_and_lies_behind_it_was_asked_anew(cut_s: float, anew: bool) -> None:
    """What was asked behind it, or lay there before it, was not."""
    found = {query for session, query in Log(cutwritten_at(cut_s)).asked_anew if session == OWN}

    assert found >= QUESTIONS if anew else not found


@pytest.mark.parametrize(("cut_s", "is_found"), [(30.0, False), (90.0, True)])
@pytest.mark.parametrize(("rule", "what"), [("readers", "was shown AnswerCompleted a-q1:end twice"), ("answers", "has a record after its end")])
def test_who_has_seen_its_first_end_may_see_another(rule: str, what: str, cut_s: float, is_found: bool) -> None:
    """A cursor names the last answers that ended, not all."""
    twice = with_frames(cutwritten_at(cut_s), "of q1", _end_twice)

    assert is_found == (what in found_by(rule, twice))


def _end_twice(frames: list[Frame]) -> list[Frame]:
    return [*frames, *(frame for frame in frames if frame.type == "AnswerCompleted")]
