"""Neighbours: the text before and behind each chunk that was found, joined to its own. Pure.

Chunks of a document overlap; where they do, the text is taken once. Stretches of one document that touch become one result, at the place of
its best chunk, so that no text is given twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

from connectors.chunker.words import as_tokens, count_words
from streams.chunk_change import IndexedChunk
from streams.search.candidate import Candidate

_WIDEST_GAP = 100  # characters of white space between two chunks that are still neighbours

Chunks = Callable[[str, int], tuple[str, IndexedChunk] | None]  #: id and chunk, by document and ordinal


def expanded(candidates: Sequence[Candidate], n: int, chunk_at: Chunks) -> list[Candidate]:
    """Each candidate with up to `n` chunks on either side. One that lies in the stretch of a better one is no result of its own any more."""
    if n == 0:
        return list(candidates)
    stretches = _stretches(candidates, n, chunk_at)
    begun: set[tuple[str, int]] = set()
    results = []
    for candidate in candidates:
        document_id, ordinal = candidate.chunk.document_id, candidate.chunk.ordinal
        stretch = next(stretch for stretch in stretches[document_id] if ordinal in stretch)
        if (document_id, stretch.start) not in begun:
            begun.add((document_id, stretch.start))
            results.append(_joined(candidate, stretch, chunk_at))
    return results


def _stretches(candidates: Sequence[Candidate], n: int, chunk_at: Chunks) -> dict[str, list[range]]:
    """Of each document, the ordinals that are taken: those around each candidate, and those that touch made one."""
    by_document: defaultdict[str, list[range]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda one: one.chunk.ordinal):
        stretch, of_document = _around(candidate.chunk, n, chunk_at), by_document[candidate.chunk.document_id]
        if of_document and _touch(candidate.chunk.document_id, of_document[-1], stretch, chunk_at):
            before = of_document.pop()
            stretch = range(before.start, max(before.stop, stretch.stop))
        of_document.append(stretch)
    return by_document


def _around(chunk: IndexedChunk, n: int, chunk_at: Chunks) -> range:
    """Ordinals on either side, as far as the chunks that are known follow on each other."""
    first = last = chunk.ordinal
    while last - chunk.ordinal < n and _follow(chunk.document_id, last, chunk_at):
        last += 1
    while chunk.ordinal - first < n and _follow(chunk.document_id, first - 1, chunk_at):
        first -= 1
    return range(first, last + 1)


def _touch(document_id: str, before: range, behind: range, chunk_at: Chunks) -> bool:
    """Whether they overlap, or one goes on where the other ends."""
    return behind.start < before.stop or (behind.start == before.stop and _follow(document_id, before.stop - 1, chunk_at))


def _follow(document_id: str, ordinal: int, chunk_at: Chunks) -> bool:
    """Whether the next chunk goes on where this one ends. While a new version of the document is coming in, it may not."""
    here, behind = chunk_at(document_id, ordinal), chunk_at(document_id, ordinal + 1)
    if here is None or behind is None:
        return False
    return here[1].start <= behind[1].start <= here[1].end + _WIDEST_GAP and here[1].end < behind[1].end


def _joined(candidate: Candidate, stretch: range, chunk_at: Chunks) -> Candidate:
    document_id = candidate.chunk.document_id
    parts = [part for ordinal in stretch if (part := chunk_at(document_id, ordinal)) is not None]
    chunks = [chunk for _, chunk in parts]
    text = chunks[0].text + "".join(_rest(before, behind) for before, behind in pairwise(chunks))
    whole = candidate.chunk._replace(start=chunks[0].start, end=chunks[-1].end, held=text, tokens=as_tokens(count_words(text)))
    return candidate._replace(chunk=whole, neighbours=tuple(chunk_id for chunk_id, _ in parts if chunk_id != candidate.found.chunk_id))


def _rest(before: IndexedChunk, behind: IndexedChunk) -> str:
    """What `behind` adds. Between chunks there is only white space: as many line ends keep each character's place."""
    return "\n" * (behind.start - before.end) + behind.text[max(0, before.end - behind.start) :]
