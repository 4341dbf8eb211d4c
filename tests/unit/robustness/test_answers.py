"""tests/robustness/validators/answers.py: no hole, and one text for all."""

from __future__ import annotations

import pytest

from tests.robustness.history import Frame
from tests.unit.robustness.breaking import altered, found_by, is_of, own, with_frames, without
from tests.unit.robustness.sound import LANE, OTHER, OWN, sound

RULE = "answers"


def test_a_piece_that_is_missing_in_the_log_is_found() -> None:
    """The next one is behind a hole, and the end has more words than are there. Whoever reads on from there is judged by what was shown."""
    found = found_by(RULE, without(sound(), own(OWN), is_of(id="a-q1:1:1")))

    assert "has piece 2 where 1 is due" in found
    assert any(what == "goes on at 2 behind 2 pieces" or what.startswith("says other words") for what in found)


def test_words_that_differ_from_those_of_the_end_are_found() -> None:
    """In the log."""
    assert ["says other words at its end"] == found_by(RULE, altered(sound(), own(OTHER), is_of(id="a-q5:1:2"), text="questions "))


def test_an_end_that_counts_other_pieces_is_found() -> None:
    """Also that of a cancelled answer."""
    assert ["ends after 3 pieces and has 2"] == found_by(RULE, altered(sound(), own(OWN), is_of(id="a-q2:end"), tokens_end=3))


def test_an_attempt_that_begins_behind_what_is_out_is_found() -> None:
    """What lies between would be missing."""
    assert "goes on at 3 behind 2 pieces" in found_by(
        RULE, altered(without(sound(), own(OWN), is_of(id="a-q1:1:2")), own(OWN), is_of(id="a-q1:2:started"), resumes_at=3)
    )


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"text": "not "}, "says other words at its end"),
        ({"index": 9}, "has piece 9 where 1 is due"),
    ],
)
def test_a_reader_who_is_shown_other_words_is_found(change: dict[str, object], what: str) -> None:
    """While the log is as it should be."""
    broken = with_frames(sound(), "whole", lambda frames: [_with(frame, "a-q4.2:1:1", change) for frame in frames])

    assert what in found_by(RULE, broken)


def test_a_reader_who_is_shown_a_record_behind_the_end_is_found() -> None:
    """The stale end of a worker that was paused, that is."""
    broken = with_frames(sound(), "of q1", lambda frames: [*frames, *(frame for frame in frames if frame.type == "AnswerCompleted")])

    assert ["has a record after its end"] == found_by(RULE, broken)


def test_a_reader_who_began_in_the_middle_is_not_asked_for_the_words_before() -> None:
    """It has seen no beginning."""
    late = with_frames(sound(), "whole", lambda frames: [frame for frame in frames if frame.query != "q4" or frame.type != "GenerationStarted"])

    assert [] == found_by(RULE, late)
    assert LANE.id in {frame.session for one in late.connections for frame in one.frames}


def _with(frame: Frame, event_id: str, change: dict[str, object]) -> Frame:
    return frame._replace(**change) if frame.id == event_id else frame  # type: ignore[arg-type]
