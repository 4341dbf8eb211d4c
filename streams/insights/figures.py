"""Figures: what some answers come to. Pure; sums are exact (fsum), so that the order of the answers does not show in the last digit.

A Tally is what figures are made of, and two of them can be put together: a day's is that of its parts of five minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import ceil, fsum
from types import MappingProxyType
from typing import NamedTuple

from schemas.insight_events import MOST_NAMES, Figures
from streams.insights.session_fold import JudgedAnswer

_Counts = Mapping[str, int]
_Amounts = Mapping[str, tuple[float, ...]]
_NO_COUNTS: _Counts = MappingProxyType({})  # most of them: one for all takes less memory
_NO_AMOUNTS: _Amounts = MappingProxyType({})


class Tally(NamedTuple):
    """Answers of one tenant."""

    counts: tuple[int, ...]  #: in the order of _COUNTED
    sessions: tuple[str, ...]  #: ids, each once
    errors: _Counts
    tags: _Counts
    signals: _Counts
    marks: tuple[float, ...]
    chunk_marks: tuple[float, ...]
    took_ms: tuple[float, ...]
    grounding: tuple[float, ...]
    cost: _Amounts  #: by currency
    cost_in_vain: _Amounts


_COUNTED = (
    "answers",
    "answered",
    "unanswered",
    "refused",
    "cached",
    "flagged",
    "failed",
    "cancelled",
    "thumbs_up",
    "thumbs_down",
    "corrections",
    "won",
    "lost",
    "prompt_tokens",
    "completion_tokens",
)


def figures_of(judged: Iterable[JudgedAnswer]) -> Figures:
    """Of all of them together."""
    return figures(tally_of(tuple(judged)))


def tally_of(judged: Sequence[JudgedAnswer]) -> Tally:
    rows = [one.answer for one in judged]
    return Tally(
        counts=_counts(judged),
        sessions=tuple({row.session_id for row in rows}),
        errors=_counted(row.error for row in rows if row.how == "failed"),
        tags=_counted(tag for one in judged for tag in one.tags),
        signals=_counted(signal for one in judged for signal in one.signals),
        marks=tuple(mark for one in judged for mark in one.marks),
        chunk_marks=tuple(mark for one in judged for _, mark in one.chunk_marks),
        took_ms=tuple(row.took_ms for row in rows if row.made),
        grounding=tuple(row.grounding for row in rows if row.grounding is not None),
        cost=_amounts((row.currency, row.cost) for row in rows if row.currency is not None),
        cost_in_vain=_amounts(paid for row in rows for paid in row.in_vain),
    )


def together(tallies: Sequence[Tally]) -> Tally:
    """Those of other answers of the same tenant, as one."""
    if len(tallies) == 1:
        return tallies[0]
    return Tally(
        counts=tuple(map(sum, zip(*(tally.counts for tally in tallies), strict=True))),
        sessions=tuple(set().union(*(tally.sessions for tally in tallies))),
        errors=_sum([tally.errors for tally in tallies]),
        tags=_sum([tally.tags for tally in tallies]),
        signals=_sum([tally.signals for tally in tallies]),
        marks=tuple(chain.from_iterable(tally.marks for tally in tallies)),
        chunk_marks=tuple(chain.from_iterable(tally.chunk_marks for tally in tallies)),
        took_ms=tuple(chain.from_iterable(tally.took_ms for tally in tallies)),
        grounding=tuple(chain.from_iterable(tally.grounding for tally in tallies)),
        cost=_amounts((currency, amount) for tally in tallies for currency, amounts in tally.cost.items() for amount in amounts),
        cost_in_vain=_amounts((currency, amount) for tally in tallies for currency, amounts in tally.cost_in_vain.items() for amount in amounts),
    )


def figures(tally: Tally) -> Figures:
    took = sorted(tally.took_ms)
    return Figures(
        **dict(zip(_COUNTED, tally.counts, strict=True)),
        sessions=len(tally.sessions),
        errors=_most(tally.errors),
        marks=len(tally.marks),
        mark=_mean(tally.marks),
        chunk_marks=len(tally.chunk_marks),
        chunk_mark=_mean(tally.chunk_marks),
        tags=_most(tally.tags),
        signals=_most(tally.signals),
        took_ms_mean=_mean(took),
        took_ms_p50=_quantile(took, 0.5),
        took_ms_p95=_quantile(took, 0.95),
        cost=_sums(tally.cost),
        cost_in_vain=_sums(tally.cost_in_vain),
        grounding=_mean(tally.grounding),
    )


def _counts(judged: Sequence[JudgedAnswer]) -> tuple[int, ...]:
    """In the order of _COUNTED."""
    rows = [one.answer for one in judged]
    thumbs = Counter(thumb for one in judged for thumb in one.thumbs)
    return (
        sum(row.whole for row in rows),
        sum(row.answered for row in rows),
        sum(row.whole and not row.answered and row.refused is None for row in rows),
        sum(row.refused is not None for row in rows),
        sum(row.cached for row in rows),
        sum(row.flagged for row in rows),
        sum(row.how == "failed" for row in rows),
        sum(row.how == "cancelled" for row in rows),
        thumbs["up"],
        thumbs["down"],
        sum(one.corrections for one in judged),
        sum(one.won for one in judged),
        sum(one.lost for one in judged),
        sum(row.prompt_tokens for row in rows),
        sum(row.completion_tokens for row in rows),
    )


def _amounts(paid: Iterable[tuple[str | None, float]]) -> _Amounts:
    """Currencies are not added up."""
    amounts: dict[str, list[float]] = {}
    for currency, amount in paid:
        amounts.setdefault(currency or "", []).append(amount)
    return {currency: tuple(each) for currency, each in amounts.items()} or _NO_AMOUNTS


def _counted(names: Iterable[str]) -> _Counts:
    return dict(Counter(names)) or _NO_COUNTS


def _sum(counts: Iterable[_Counts]) -> _Counts:
    found = Counter[str]()
    for each in counts:
        if each:
            found.update(each)
    return dict(found) or _NO_COUNTS


def _sums(amounts: _Amounts) -> dict[str, float]:
    return {currency: fsum(amounts[currency]) for currency in sorted(amounts)[:MOST_NAMES]}


def _most(counts: _Counts) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_NAMES])


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest that so large a share of them does not exceed: one that was measured."""
    return ordered[max(ceil(share * len(ordered)), 1) - 1] if ordered else None
