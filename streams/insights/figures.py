"""Figures: what some answers come to. Pure; sums are exact (fsum), so that the order of the answers does not show in the last digit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, fsum
from typing import NamedTuple

from streams.insights.gathering import JudgedAnswer


class Figures(NamedTuple):
    """Means and quantiles are null where there is nothing to take them of."""

    answers: int
    sessions: int
    answered: int
    unanswered: int  #: the documents do not hold it
    refused: int  #: no model was asked
    cached: int  #: given again
    flagged: int  #: the moderator found something in it
    marks: int
    mark: float | None  #: mean, 0..1
    thumbs_up: int
    thumbs_down: int
    corrections: int
    won: int  #: comparisons
    lost: int
    chunk_marks: int  #: for chunks that were cited
    chunk_mark: float | None
    tags: dict[str, int]  #: reasons, the most frequent first
    signals: dict[str, int]
    took_ms_mean: float | None  #: of answers that a model was at work for
    took_ms_p50: float | None
    took_ms_p95: float | None
    prompt_tokens: int
    completion_tokens: int
    cost: dict[str, float]  #: by currency
    grounding: float | None  #: mean


def figures_of(judged: Iterable[JudgedAnswer]) -> Figures:
    """Of all of them together."""
    all_of = tuple(judged)
    rows = [one.answer for one in all_of]
    marks = [mark for one in all_of for mark in one.marks]
    chunk_marks = [mark for one in all_of for _, mark in one.chunk_marks]
    thumbs = Counter(thumb for one in all_of for thumb in one.thumbs)
    took = sorted(row.took_ms for row in rows if row.made)
    return Figures(
        answers=len(rows),
        sessions=len({(row.tenant, row.session_id) for row in rows}),
        answered=sum(row.answered for row in rows),
        unanswered=sum(not row.answered and row.refused is None for row in rows),
        refused=sum(row.refused is not None for row in rows),
        cached=sum(row.cached for row in rows),
        flagged=sum(row.flagged for row in rows),
        marks=len(marks),
        mark=_mean(marks),
        thumbs_up=thumbs["up"],
        thumbs_down=thumbs["down"],
        corrections=sum(one.corrections for one in all_of),
        won=sum(one.won for one in all_of),
        lost=sum(one.lost for one in all_of),
        chunk_marks=len(chunk_marks),
        chunk_mark=_mean(chunk_marks),
        tags=_counted(tag for one in all_of for tag in one.tags),
        signals=_counted(signal for one in all_of for signal in one.signals),
        took_ms_mean=_mean(took),
        took_ms_p50=_quantile(took, 0.5),
        took_ms_p95=_quantile(took, 0.95),
        prompt_tokens=sum(row.prompt_tokens for row in rows),
        completion_tokens=sum(row.completion_tokens for row in rows),
        cost=_costs(all_of),
        grounding=_mean([row.grounding for row in rows if row.grounding is not None]),
    )


def _costs(judged: Iterable[JudgedAnswer]) -> dict[str, float]:
    """Currencies are not added up."""
    amounts: dict[str, list[float]] = {}
    for one in judged:
        if one.answer.currency is not None:
            amounts.setdefault(one.answer.currency, []).append(one.answer.cost)
    return {currency: fsum(amounts[currency]) for currency in sorted(amounts)}


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest that so large a share of them does not exceed: one that was measured."""
    return ordered[max(ceil(share * len(ordered)), 1) - 1] if ordered else None
