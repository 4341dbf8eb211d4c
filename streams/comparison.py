"""Comparison: what was found for a question, beside what is found for it now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.events import RetrievedChunk

_DEPTH = 10
_PERSISTENCE = 0.9  # of Webber, Moffat, Zobel 2010: the first ten ranks have 86 % of the weight


class Row(NamedTuple):
    """A chunk of either side."""

    chunk_id: str
    title: str
    rank_then: int | None
    rank_now: int | None
    score_then: float | None
    score_now: float | None
    text_changed: bool  #: it says something else now


class Difference(NamedTuple):
    """Of two rankings. All figures are 1 where nothing has changed."""

    rows: tuple[Row, ...]
    overlap: float  #: share of the first ten, or of as many as there are, that both have
    correlation: float  #: rank-biased overlap: like the overlap, at every depth, the first ranks counting most
    same: bool  #: the same chunks with the same texts in the same order


def compared(then: Sequence[RetrievedChunk], now: Sequence[RetrievedChunk]) -> Difference:
    """Chunk by chunk, in order of the better of its ranks."""
    before, after = {chunk.chunk_id: chunk for chunk in then}, {chunk.chunk_id: chunk for chunk in now}
    rows = [_row(chunk_id, before.get(chunk_id), after.get(chunk_id)) for chunk_id in {**before, **after}]
    rows.sort(key=lambda row: (min(rank for rank in (row.rank_then, row.rank_now) if rank is not None), row.chunk_id))
    same = [(chunk.chunk_id, chunk.text) for chunk in then] == [(chunk.chunk_id, chunk.text) for chunk in now]
    return Difference(tuple(rows), overlap(list(before), list(after)), rank_biased_overlap(list(before), list(after)), same)


def overlap(then: Sequence[str], now: Sequence[str], depth: int = _DEPTH) -> float:
    """Of two empty lists 1."""
    most = max(len(then[:depth]), len(now[:depth]))
    return len(set(then[:depth]) & set(now[:depth])) / most if most else 1.0


def rank_biased_overlap(then: Sequence[str], now: Sequence[str], persistence: float = _PERSISTENCE) -> float:
    """To the depth of the longer list, scaled to 1 for equal ones. Unlike a rank correlation it knows chunks that only one of them has."""
    depth = max(len(then), len(now))
    weights = [persistence**place for place in range(depth)]
    agreement = [overlap(then, now, place) for place in range(1, depth + 1)]
    return sum(weight * part for weight, part in zip(weights, agreement, strict=True)) / sum(weights) if depth else 1.0


def _row(chunk_id: str, then: RetrievedChunk | None, now: RetrievedChunk | None) -> Row:
    either = then or now
    return Row(
        chunk_id=chunk_id,
        title=either.title if either else "",
        rank_then=then.rank if then else None,
        rank_now=now.rank if now else None,
        score_then=then.scores.fused if then else None,
        score_now=now.scores.fused if now else None,
        text_changed=then is not None and now is not None and then.text != now.text,
    )
