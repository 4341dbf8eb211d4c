"""Arm counts: each end of an answer counts once, for each experiment that its session is in."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Event
from streams.answering.arm_counts import count_end
from tests.builders import chunks_retrieved

OF = {"tenant": "default", "session_id": "t1", "query_id": "q1", "answer_id": "a-q1", "attempt": 1, "id": "a-q1:end"}
ENDED = {"question": "?", "text": "", "model": "m", "tokens_end": 0, "took_ms": 1.0}
ARMS = {"words": "new", "width": "wide"}


def counted(outcome: str) -> list[float]:
    labels = ({"experiment": experiment, "arm": arm, "outcome": outcome} for experiment, arm in ARMS.items())
    return [REGISTRY.get_sample_value("roxy_experiment_answers_total", one) or 0.0 for one in labels]


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (AnswerCompleted(answered=True, **OF, **ENDED), "answered"),  # type: ignore[arg-type]
        (AnswerCompleted(answered=False, **OF, **ENDED), "unanswered"),  # type: ignore[arg-type]
        (AnswerCancelled(tokens_end=0, **OF), "cancelled"),  # type: ignore[arg-type]
        (AnswerFailed(error="e", detail="d", remedy="r", retryable=False, **OF), "failed"),  # type: ignore[arg-type]
    ],
)
def test_an_end_is_counted_for_each_arm(event: Event, outcome: str) -> None:
    """By how the answer ended."""
    before = counted(outcome)
    count_end(event, ARMS)
    count_end(chunks_retrieved(), ARMS)

    assert [count + 1 for count in before] == counted(outcome)
