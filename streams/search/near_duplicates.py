"""Near-duplicates: chunks that say the same count as one, the best of them. Pure, but for a memory of signatures.

MinHash (Broder 1997, by rensa) over three words in a row: the same passage in two versions of a page, or under two titles. Nothing leaves the
index or the log for it, so that when the one that was shown is deleted the other is found. Only the leading candidates are compared,
as many as the later stages look at; a signature takes 0.05 ms with the text's way from disk and is remembered by the chunk's content hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from cachetools import LRUCache
from rensa import RMinHash

from streams.search.candidate import Candidate

_IN_A_ROW = 3  # words
_HASHES = 128  # the estimate is off by 0.03 where 0.85 is shared
_SEED = 1
_signatures: LRUCache[str, RMinHash] = LRUCache(10_000)


def merged(candidates: Iterable[Candidate], threshold: float, most: int) -> list[Candidate]:
    """The first `most` that are unlike each other, in order; each names those that were merged into it."""
    if not threshold:
        return list(islice(candidates, most))
    kept: list[tuple[Candidate, RMinHash, list[str]]] = []
    for candidate in candidates:
        if len(kept) == most:
            break
        signature = _signature(candidate)
        also_in = next((also_in for _, other, also_in in kept if signature.jaccard(other) >= threshold), None)
        if also_in is None:
            kept.append((candidate, signature, []))
        else:
            also_in.append(candidate.found.chunk_id)
    return [candidate._replace(also_in=tuple(also_in)) if also_in else candidate for candidate, _, also_in in kept]


def _signature(candidate: Candidate) -> RMinHash:
    known = _signatures.get(candidate.chunk.content_hash)
    if known is None:
        known = _signatures[candidate.chunk.content_hash] = RMinHash(num_perm=_HASHES, seed=_SEED)
        known.update(_runs(candidate.chunk.text))
    return known


def _runs(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(run) for run in zip(*(words[place:] for place in range(_IN_A_ROW)), strict=False)] or [" ".join(words)]
