"""Prices: what a model's tokens cost. Pure."""

from __future__ import annotations

from schemas.events import Cost, Usage
from schemas.settings import Settings


def cost_of(model: str, usage: Usage, settings: Settings) -> Cost | None:
    """By ROXY_PRICES; None for a model that is not in it."""
    price = settings.prices.get(model)
    if price is None:
        return None
    return Cost(amount=(usage.prompt_tokens * price.prompt + usage.completion_tokens * price.completion) / 1e6, currency=settings.currency)
