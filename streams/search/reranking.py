"""Reranking: the best candidates put in the order that a reranker gives them. The others keep theirs, behind them."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.reranker.base import Reranker
from streams.search.candidate import Candidate
from streams.search.guard import Guard


async def reranked(candidates: Sequence[Candidate], question: str, n: int, reranker: Reranker, guard: Guard) -> list[Candidate]:
    """Reads the first `n`. Raises Unavailable if the reranker does not answer in its time."""
    read = candidates[:n]
    texts = [f"{candidate.chunk.title}\n{candidate.chunk.text}" for candidate in read]
    scores = await guard.run(lambda: reranker.score(question, texts))
    scored = [candidate._replace(rerank=score) for candidate, score in zip(read, scores, strict=True)]
    return sorted(scored, key=lambda candidate: -(candidate.rerank or 0.0)) + list(candidates[n:])
