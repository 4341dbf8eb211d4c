"""Plan: how a question is searched for. What `roxy eval`, `roxy tune` and `roxy replay` vary; else the settings."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal, NamedTuple, Self

from schemas.settings import Settings


class Plan(NamedTuple):
    """Every number of the search. Names are those of the settings, where each is explained."""

    top_k: int = 6
    candidates: int = 200
    fusion: Literal["weighted", "rrf"] = "weighted"
    keyword_weight: float = 0.5
    feedback_chunks: int = 3
    feedback_weight: float = 0.3
    smoothing: float = 0.2
    chunk_votes_weight: float = 0.0
    reranker: str = "none"
    rerank_chunks: int = 30
    diversity: float = 0.0
    neighbours: int = 0
    near_duplicate: float = 0.85
    context_tokens: int = 3_000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(**{name: getattr(settings, name) for name in cls._fields})

    @property
    def fingerprint(self) -> str:
        """Two searches with the same plan at the same index position find the same."""
        return blake2b(repr(tuple(self)).encode(), digest_size=6).hexdigest()
