"""Arm counts: how the answers of each experiment's arms ended, as metrics. The events hold more: what these say at a glance, they prove."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter

from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed

_ENDED = Counter(
    "roxy_experiment_answers",
    "Answers that ended, by experiment and arm: answered, unanswered, cancelled, failed.",
    ["experiment", "arm", "outcome"],
)


def count_end(event: object, arms: Mapping[str, str]) -> None:
    """Count an answer's terminal event; anything else is none."""
    outcome = _outcome(event)
    if outcome is not None:
        for experiment, arm in arms.items():
            _ENDED.labels(experiment, arm, outcome).inc()


def _outcome(event: object) -> str | None:
    match event:
        case AnswerCompleted():
            return "answered" if event.answered else "unanswered"
        case AnswerCancelled():
            return "cancelled"
        case AnswerFailed():
            return "failed"
        case _:
            return None
