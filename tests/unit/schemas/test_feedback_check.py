"""schemas/feedback_check.py: what the schema of a judgement cannot say."""

from __future__ import annotations

import pytest

from schemas.errors import InvalidFeedback, RoxyError, UnknownAnswer
from schemas.events import Context, ContextChunk, Feedback, IndexPosition
from schemas.feedback_check import require_sound
from tests.unit.streams.preferences.judged import an_answer, given, retracted

CONTEXT = Context(hash="c1", chunks=(ContextChunk(chunk_id="a.md#0", rank=1, score=1.0, hash="h"),), index=IndexPosition(index="none"))
WHOLE = {answer.answer_id: answer for answer in (an_answer(context=CONTEXT), an_answer("a-q1.1"), an_answer("a-q2", query_id="q2"))}


@pytest.mark.parametrize(
    "event",
    [
        given(thumb="up"),
        given(better_than="a-q1.1", shown=("a-q1.1", "a-q1")),
        given(chunk_id="a.md#0", thumb="down"),
        given(answer_id="a-open", correction="Better."),
        given(answer_id="a-failed", thumb="down"),
        given(better_than="a-open"),
        retracted("f9"),
    ],
)
def test_what_fits_is_taken(event: Feedback) -> None:
    """Also on an answer that is still to come, or that failed; and a retraction before what it takes back."""
    require_sound(event, WHOLE, under_way={"a-open"}, failed={"a-failed"})


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (given(answer_id="a-none"), UnknownAnswer),
        (given(better_than="a-none"), UnknownAnswer),
        (given(better_than="a-failed"), UnknownAnswer),
        (given(better_than="a-q1"), InvalidFeedback),
        (given(better_than="a-q2"), InvalidFeedback),
        (given(better_than="a-q1.1", shown=("a-q1.1", "a-q1.2")), InvalidFeedback),
        (given(answer_id="a-q2", thumb="up"), InvalidFeedback),
        (given(correction="Text of a-q1. "), InvalidFeedback),
        (given(correction=" \n"), InvalidFeedback),
        (given(chunk_id="b.md#0", thumb="up"), InvalidFeedback),
        (given(chunk_id="a.md#0", correction="Better."), InvalidFeedback),
        (given(thumb="up").model_copy(update={"time": "yesterday"}), InvalidFeedback),
        (retracted().model_copy(update={"time": "2026-11-01T12:00:00+02:00"}), InvalidFeedback),
    ],
)
def test_what_does_not_fit_is_refused(event: Feedback, error: type[RoxyError]) -> None:
    """With what is wrong, and a remedy."""
    with pytest.raises(error) as refused:
        require_sound(event, WHOLE, failed={"a-failed"})

    assert refused.value.detail
    assert refused.value.remedy
