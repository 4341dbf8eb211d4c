"""Spent: tokens and money of answers, as metrics. The events hold the same, answer by answer: what these say at a glance, they prove."""

from __future__ import annotations

from prometheus_client import Counter

from schemas.spending import End, paid_of

_TOKENS = Counter("roxy_tokens", "Tokens that language models have read and written, as they count them.", ["tenant", "model", "kind"])
_COST = Counter("roxy_cost", "What that is charged with, by ROXY_PRICES.", ["tenant", "model", "currency"])


def count_spent(event: object) -> None:
    """Count what an answer took, however it ended; anything else takes nothing."""
    if not isinstance(event, End):
        return
    for paid in paid_of(event):
        _TOKENS.labels(event.tenant, paid.model, "prompt").inc(paid.usage.prompt_tokens)
        _TOKENS.labels(event.tenant, paid.model, "completion").inc(paid.usage.completion_tokens)
        if paid.cost is not None:
            _COST.labels(event.tenant, paid.model, paid.cost.currency).inc(paid.cost.amount)
