"""Near-duplicates: chunks that say the same count as one, the best of them. Pure, but for a memory of signatures.

MinHash (Broder 1997, by rensa) over three words in a row: the same passage in two versions of a page, or under two titles. Nothing leaves the
index or the log for it, so that when the one that was shown is deleted the other is found. Only the leading candidates are compared,
as many as the later stages look at. A signature takes 0.04 ms and few texts are alike: it is made only of those that have some runs in
common, of a few that are looked for first, and remembered by the chunk's content hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from cachetools import LRUCache
from rensa import RMinHash

from streams.search.candidate import Candidate

_IN_A_ROW = 3  # words
_HASHES = 128  # the estimate is off by 0.03 where 0.85 is shared
_SEED = 1
_LOOKED_FOR = 6  # runs, from all over a text: of two that share 0.85 of all, one has nearly each of the other's
_signatures: LRUCache[str, RMinHash] = LRUCache(10_000)


class _Said(NamedTuple):
    """What a candidate says, in lower case with single spaces, and a few runs from all over it."""

    candidate: Candidate
    text: str
    some_runs: list[str]
    also_in: list[str]


def merged(candidates: Iterable[Candidate], threshold: float, most: int) -> list[Candidate]:
    """The first `most` that are unlike each other, in order; each names those that were merged into it."""
    if not threshold:
        return list(islice(candidates, most))
    kept: list[_Said] = []
    for candidate in candidates:
        if len(kept) == most:
            break
        said = _said(candidate)
        like = next((other for other in kept if _are_alike(said, other, threshold)), None)
        if like is None:
            kept.append(said)
        else:
            like.also_in.append(candidate.found.chunk_id)
    return [one.candidate._replace(also_in=tuple(one.also_in)) if one.also_in else one.candidate for one in kept]


def _said(candidate: Candidate) -> _Said:
    """The candidate has its text with it from here on: who shows it need not read it again."""
    text = candidate.chunk.text
    words = text.lower().split()
    last = max(len(words) - _IN_A_ROW, 0)
    runs = [" ".join(words[place : place + _IN_A_ROW]) for place in range(0, last + 1, max(last // (_LOOKED_FOR - 1), 1))]
    return _Said(candidate._replace(chunk=candidate.chunk._replace(held=text)), " ".join(words), runs, [])


def _are_alike(one: _Said, other: _Said, threshold: float) -> bool:
    """Half of the runs that are due must be there before signatures are compared."""
    if sum(map(other.text.__contains__, one.some_runs)) < threshold / 2 * len(one.some_runs):
        return False
    likeness: float = _signature(one).jaccard(_signature(other))
    return likeness >= threshold


def _signature(said: _Said) -> RMinHash:
    known = _signatures.get(said.candidate.chunk.content_hash)
    if known is None:
        known = _signatures[said.candidate.chunk.content_hash] = RMinHash(num_perm=_HASHES, seed=_SEED)
        known.update(_runs(said.text.split(" ")))
    return known


def _runs(words: list[str]) -> list[str]:
    return [" ".join(run) for run in zip(*(words[place:] for place in range(_IN_A_ROW)), strict=False)] or [" ".join(words)]
