"""tests/robustness/validators/cancellations.py: a cancelled answer is silent."""

from __future__ import annotations

import pytest

from schemas.topics import QUERIES
from tests.unit.robustness.breaking import also, found_by, is_of, own, with_frames, without
from tests.unit.robustness.sound import OWN, sound

RULE = "cancellations"


def test_an_acknowledged_cancellation_that_is_not_in_the_log_is_found() -> None:
    """Nobody would ever stop."""
    assert ["an acknowledged cancellation is not in the log"] == found_by(RULE, without(sound(), QUERIES.name, is_of(type="QueryCancelled")))


@pytest.mark.parametrize(("attempt", "found"), [(0, []), (1, ["has a token after it was cancelled"]), (2, ["has a token after it was cancelled"])])
def test_a_token_behind_the_end_of_a_cancelled_answer_is_found(attempt: int, found: list[str]) -> None:
    """By whoever wrote the end, and by who had to see it; not by one that was paused."""
    late = also(sound(), own(OWN), is_of(id="a-q2:1:1"), {"attempt": str(attempt).encode()}, attempt=attempt)

    assert found == found_by(RULE, late)


def test_a_token_that_is_shown_after_the_end_of_a_cancelled_answer_is_found() -> None:
    """Whatever lies in the log."""
    token = next(frame for one in sound().connections for frame in one.frames if frame.id == "a-q2:1:1")
    broken = with_frames(sound(), "of q2", lambda frames: [*frames, token] if frames[-1:] and frames[-1].type == "AnswerCancelled" else frames)

    assert ["was shown a token of a-q2 after it was cancelled"] == found_by(RULE, broken)
