"""Spent: tokens and money of answers, as metrics. The events hold the same, answer by answer: what these say at a glance, they prove."""

from __future__ import annotations

from prometheus_client import Counter

from schemas.events import AnswerCompleted

_TOKENS = Counter("roxy_tokens", "Tokens that language models have read and written, as they count them.", ["tenant", "model", "kind"])
_COST = Counter("roxy_cost", "What that is charged with, by ROXY_PRICES.", ["tenant", "model", "currency"])


def count_spent(event: object) -> None:
    """Count an answer's usage and cost; anything else has none."""
    if not isinstance(event, AnswerCompleted):
        return
    _TOKENS.labels(event.tenant, event.model, "prompt").inc(event.usage.prompt_tokens)
    _TOKENS.labels(event.tenant, event.model, "completion").inc(event.usage.completion_tokens)
    if event.cost is not None:
        _COST.labels(event.tenant, event.model, event.cost.currency).inc(event.cost.amount)
