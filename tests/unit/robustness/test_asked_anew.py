"""Questions that retention had cut from their session before they were delivered again: answered once more, and seen twice by who was there."""

from __future__ import annotations

import pytest

from schemas.topics import QUERIES, RETRIEVALS
from tests.robustness.history import Fault, Frame, History
from tests.robustness.log import Log
from tests.unit.robustness.breaking import also, cut, cut_at, found_by, is_of, own, with_faults, with_frames, with_topic, written_at
from tests.unit.robustness.sound import OWN, sound

_BEFORE = 17  # all that lies below it is cut: what was asked, and how it was answered


def asked_again(*faults: Fault) -> History:
    """q1, of 10 s, lies in its session since 20 s, and behind all since 60 s: a worker that was paused meanwhile had not acknowledged it."""
    history = written_at(written_at(sound(), QUERIES.name, 10.0), own(OWN), 20.0)
    return with_faults(also(history, own(OWN), is_of(id="q1:asked")), *faults)


def anew(history: History) -> set[str]:
    return {query for session, query in Log(history).losses.asked_anew if session == OWN}


def test_what_lay_in_its_session_before_the_cut_and_lies_behind_it_was_asked_anew() -> None:
    """Readers were shown it at its first place. The others lie below the cut alone."""
    assert {"q1"} == anew(cut(asked_again(cut_at(OWN, 30.0, _BEFORE)), own(OWN), _BEFORE))


@pytest.mark.parametrize("fault", [cut_at(OWN, 30.0, None), cut_at(OWN, 30.0, 0), Fault("cut-retention", "session", 30.0, 31.0, {"done": False})])
def test_a_fault_that_has_cut_nothing_lets_nobody_ask_anew(fault: Fault) -> None:
    """The session is whole, and says that it was answered."""
    assert not anew(asked_again(fault))


@pytest.mark.parametrize("late_s", [40.0, 60.0])
def test_what_was_written_to_its_session_for_the_first_time_after_the_cut_was_not_asked_anew(late_s: float) -> None:
    """It had been accepted before; its worker was paused. No reader was shown it, and nothing was found for it, at another place."""
    history = written_at(written_at(sound(), QUERIES.name, 10.0), own(OWN), late_s)

    assert not anew(with_faults(history, cut_at(OWN, 30.0, 0)))
    assert not anew(with_faults(cut(history, own(OWN), 11), cut_at(OWN, 30.0, 11)))


@pytest.mark.parametrize(("offset", "is_anew"), [(0, True), (_BEFORE, False), (99, False)])
def test_what_was_found_for_a_question_tells_where_it_lay(offset: int, is_anew: bool) -> None:
    """Where no reader had come by before it was cut."""
    unread = cut(asked_again(cut_at(OWN, 30.0, _BEFORE)), own(OWN), _BEFORE)._replace(connections=())
    record = also(sound(), QUERIES.name, is_of(id="q1:asked"), type="ChunksRetrieved", session_offset=offset).topics[QUERIES.name][-1]

    assert not anew(unread)
    assert is_anew == ("q1" in anew(with_topic(unread, RETRIEVALS.name, [record])))


@pytest.mark.parametrize(("before", "is_found"), [(_BEFORE, False), (0, True)])
@pytest.mark.parametrize(("rule", "what"), [("readers", "was shown AnswerCompleted a-q1:end twice"), ("answers", "has a record after its end")])
def test_who_has_seen_its_first_end_may_see_another(rule: str, what: str, before: int, is_found: bool) -> None:
    """A cursor names the last answers that ended, not all."""
    twice = with_frames(asked_again(cut_at(OWN, 30.0, before)), "of q1", _end_twice)

    assert is_found == (what in found_by(rule, twice))


def _end_twice(frames: list[Frame]) -> list[Frame]:
    return [*frames, *(frame for frame in frames if frame.type == "AnswerCompleted")]
