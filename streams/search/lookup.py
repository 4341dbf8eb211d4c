"""Lookup and Found: what a search is asked, and what it answers."""

from __future__ import annotations

from typing import NamedTuple

from schemas.events import NO_FILTERS, Filters, IndexPosition, KnownVotes, RetrievedChunk


class Lookup(NamedTuple):
    """What is looked up."""

    tenant: str
    text: str
    filters: Filters = NO_FILTERS
    expansions: tuple[str, ...] = ()  #: words that the keyword index is asked for too, and that count for less


class Found(NamedTuple):
    """What a search found, and how."""

    chunks: tuple[RetrievedChunk, ...]
    position: IndexPosition
    degraded: tuple[str, ...] = ()  #: parts that did not answer: "vector", "keyword", "rerank"
    reranker: str | None = None
    cached: tuple[str, ...] = ()  #: what was not computed anew
    votes: KnownVotes | None = None  #: None: they do not count
