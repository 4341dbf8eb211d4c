"""Near-duplicates: chunks that say the same count as one, the best of them. Pure, but for a memory of signatures.

MinHash (Broder 1997, by rensa) over three words in a row: the same passage in two versions of a page, or under two titles. Nothing leaves the
index or the log for it, so that when the one that was shown is deleted the other is found. Only the leading candidates are compared,
as many as the later stages look at; a signature takes 0.05 ms and is remembered by the chunk's content hash.
"""

from __future__ import annotations

from collections.abc import Iterable

from cachetools import LRUCache
from rensa import RMinHash

from streams.search.candidate import Candidate

_IN_A_ROW = 3  # words
_HASHES = 128  # the estimate is off by 0.03 where 0.85 is shared
_SEED = 1
_signatures: LRUCache[str, RMinHash] = LRUCache(10_000)


def merged(candidates: Iterable[Candidate], threshold: float, most: int) -> list[Candidate]:
    """The first `most` that are unlike each other, in order; each names those that were merged into it."""
    kept: list[Candidate] = []
    also_in: dict[str, list[str]] = {}
    for candidate in candidates:
        if len(kept) == most:
            break
        like = next((one for one in kept if _alike(one, candidate, threshold)), None) if threshold else None
        if like is None:
            kept.append(candidate)
        else:
            also_in.setdefault(like.found.chunk_id, []).append(candidate.found.chunk_id)
    return [one._replace(also_in=tuple(also_in.get(one.found.chunk_id, ()))) for one in kept]


def _alike(first: Candidate, second: Candidate, threshold: float) -> bool:
    return bool(_signature(first).jaccard(_signature(second)) >= threshold)


def _signature(candidate: Candidate) -> RMinHash:
    known = _signatures.get(candidate.chunk.content_hash)
    if known is None:
        known = _signatures[candidate.chunk.content_hash] = RMinHash(num_perm=_HASHES, seed=_SEED)
        known.update(_runs(candidate.chunk.text))
    return known


def _runs(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[start : start + _IN_A_ROW]) for start in range(max(1, len(words) - _IN_A_ROW + 1))]
