"""Filters: which rows a plan leaves out, and why. Pure."""

from __future__ import annotations

from connectors.tokenizer.base import Tokenizer
from streams.exports.plan import PAIRED, Plan
from streams.exports.row import Row


def reason_against(row: Row, plan: Plan, tokenizer: Tokenizer) -> str | None:
    """The first thing that speaks against a row; None: nothing does. The dearest is asked last."""
    if (plan.since and row.judged_at < plan.since) or (plan.until and row.judged_at >= plan.until):
        return "judged at another time"
    if plan.models and any(answer.model not in plan.models for answer in (*filter(None, row.answers), row.source)):
        return "of another model"
    if plan.same_context and not row.same_context:
        return "from other chunks"
    if row.agreement < plan.min_agreement:
        return "too little agreement"
    if plan.kind in PAIRED and plan.min_rating is not None and row.ratings[0] is not None and row.ratings[0] < plan.min_rating:
        return "not well rated"
    if any(len(text) < plan.min_chars for text in row.texts):
        return "too short"
    if plan.max_tokens is not None and _tokens(row, tokenizer) > plan.max_tokens:
        return "too long"
    return None


def _tokens(row: Row, tokenizer: Tokenizer) -> int:
    """Of the prompt with the longer of its answers: as much as a trainer has to hold at once."""
    return tokenizer.count(row.prompt) + max(map(tokenizer.count, row.texts), default=0)
