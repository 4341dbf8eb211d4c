"""Search: the way of a question through its stages, one after the other, each in a file of its own.

filters → hits of both indexes, with feedback → fusion → smoothing → votes → spread over documents → near-duplicates → reranking → diversity →
neighbours → context.
Parts that do not answer are done without and named in `degraded`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from functools import partial

from connectors.embedder.base import Vectors
from connectors.keyword_index.terms import Analyser
from connectors.reranker.base import Reranker
from schemas.events import IndexPosition
from streams.chunk_change import IndexedChunk, chunk_id_of
from streams.chunk_index import ChunkIndex
from streams.search.candidate import Candidate, Fused, retrieved
from streams.search.chunk_votes import ChunkVotes
from streams.search.context import within_budget
from streams.search.diversity import by_terms, by_vectors, diverse, spread
from streams.search.fusion import fuse
from streams.search.guard import Guards
from streams.search.hits import Scope, hits_of, unless_down, vectors_of
from streams.search.lookup import Found, Lookup
from streams.search.near_duplicates import merged
from streams.search.neighbours import expanded
from streams.search.plan import Plan
from streams.search.reranking import reranked
from streams.search.smoothing import LEADING, smoothed

_POOL = 4  # times top_k: what diversity may choose from


async def search(
    lookup: Lookup,
    vector: Awaitable[Vectors] | None,
    *,
    index: ChunkIndex,
    plan: Plan,
    reranker: Reranker | None = None,
    guards: Guards | None = None,
    votes: ChunkVotes | None = None,
) -> Found:
    """The best chunks. `vector`: the text's, being made while the keywords are looked up. `votes`: on chunks, if they count.

    Raises IndexUnavailable if no part of the index answers.
    """
    position, guards = index.position, guards or Guards()
    scope = Scope(lookup, index.matching(lookup.tenant, lookup.filters), index, plan, guards, guards.deadline())
    nothing = not index.parts or (scope.within is not None and not scope.within)
    if nothing or "vector" not in index.parts:
        _dismiss(vector)
        vector = None
    if nothing:
        return Found((), position)
    hits = await hits_of(scope, vector)
    ranked = await _smoothed(fuse(*hits, plan, _ranked(plan)), scope)
    known = votes.known(lookup.tenant) if votes else None
    if votes:
        ranked = _voted(ranked, votes, scope)
    pool = merged(spread(_known(index, lookup.tenant, ranked), plan.top_k), plan.near_duplicate, _looked_at(plan, reranker))
    if reranker is not None and pool:
        again = reranked(pool, lookup.text, plan.rerank_chunks, reranker, guards.rerank)
        pool = list(spread(await unless_down("rerank", again, pool, scope), plan.top_k))
    chosen = await _chosen(pool, scope)
    whole = within_budget(expanded(chosen, plan.neighbours, partial(_chunk_at, index, lookup.tenant)), plan.context_tokens)
    return _found(whole, position, scope, reranker)._replace(votes=known)


def _dismiss(vector: Awaitable[Vectors] | None) -> None:
    """Nobody will wait for it."""
    if isinstance(vector, Coroutine):
        vector.close()


def _known(index: ChunkIndex, tenant: str, fused: Sequence[Fused]) -> Iterator[Candidate]:
    """With their texts; what was taken away since it was found is passed over. As far down as the stages behind look."""
    for found in fused:
        chunk = index.chunk(tenant, found.chunk_id)
        if chunk is not None:
            yield Candidate(found, chunk)


def _ranked(plan: Plan) -> int:
    """How far down the fused list a chunk may stand and still come to be among the best: half of a search's time went into the rest."""
    return max(2 * LEADING, plan.top_k * _POOL, 2 * plan.rerank_chunks)


def _looked_at(plan: Plan, reranker: Reranker | None) -> int:
    """How many candidates the stages behind the ranking look at."""
    return max(plan.top_k * (_POOL if plan.diversity else 1), plan.rerank_chunks if reranker else 0)


async def _smoothed(fused: list[Fused], scope: Scope) -> list[Fused]:
    """The leading ones in the order that their likeness gives them, if they have vectors."""
    leading = fused[:LEADING]
    rows = await vectors_of(scope, [found.chunk_id for found in leading]) if scope.plan.smoothing else None
    return fused if rows is None else smoothed(leading, rows, scope.plan.smoothing) + fused[LEADING:]


def _voted(fused: list[Fused], votes: ChunkVotes, scope: Scope) -> list[Fused]:
    """The leading ones in the order that the votes give them; equal ones keep theirs. Most chunks have none."""
    tenant, index, weight = scope.lookup.tenant, scope.index, scope.plan.chunk_votes_weight
    leading, moved = fused[:LEADING], False
    for place, found in enumerate(leading):
        chunk = index.chunk(tenant, found.chunk_id) if found.chunk_id in votes else None
        factor = votes.factor(found.chunk_id, chunk.written_at, weight) if chunk is not None else None
        if factor is not None:
            leading[place] = found._replace(fused=found.fused * factor, votes=factor)
            moved = True
    return sorted(leading, key=lambda found: -found.fused) + fused[LEADING:] if moved else fused


async def _chosen(pool: list[Candidate], scope: Scope) -> list[Candidate]:
    top_k, diversity = scope.plan.top_k, scope.plan.diversity
    if not diversity:
        return pool[:top_k]
    rows = await vectors_of(scope, [candidate.found.chunk_id for candidate in pool])
    alike = by_terms(Analyser().terms_of_each([one.chunk.text for one in pool])) if rows is None else by_vectors(rows)
    return diverse(pool, alike, top_k, diversity)


def _chunk_at(index: ChunkIndex, tenant: str, document_id: str, ordinal: int) -> tuple[str, IndexedChunk] | None:
    chunk_id = chunk_id_of(tenant, document_id, ordinal)
    chunk = index.chunk(tenant, chunk_id)
    return None if chunk is None else (chunk_id, chunk)


def _found(candidates: Sequence[Candidate], position: IndexPosition, scope: Scope, reranker: Reranker | None) -> Found:
    chunks = tuple(retrieved(candidate, rank) for rank, candidate in enumerate(candidates, start=1))
    name = reranker.name if reranker and any(candidate.rerank is not None for candidate in candidates) else None
    return Found(chunks, position, tuple(scope.failed), name)
