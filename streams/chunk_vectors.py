"""Chunk vectors: gives the changed chunks of a version their vectors, those that are known first. Called by streams/ingestion.py.

A chunk that moved takes its vector along out of the index. Of the others, what the embedder knows comes at once, and what it has to compute
slice by slice, so that what is done can be written while the rest is under way. The same content is computed once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from typing import NamedTuple, TypeVar

from connectors.embedder.base import Embedder, Vectors
from connectors.embedder.vectors import vector_to_text
from schemas.events import ChunkIndexed
from streams.chunk_change import IndexedChunk
from streams.chunk_index import ChunkIndex
from streams.document_chunks import text_to_embed

_WRITTEN = 256  # chunks written in one go, where nothing is computed
_SLICE = 32  # contents embedded in one go: four batches
_AHEAD = 2  # slices asked for at a time: the embedder always has something to do

Untimed = Callable[[], AbstractContextManager[None]]
T = TypeVar("T")


class Ready(NamedTuple):
    """Chunks that can be written."""

    chunks: tuple[ChunkIndexed, ...]
    embedded: int  #: of them, those whose content was new; the others' vectors were known


class _Content(NamedTuple):
    """Chunks that say the same."""

    chunks: tuple[ChunkIndexed, ...]

    @property
    def text(self) -> str:
        return text_to_embed(self.chunks[0].title, self.chunks[0].heading_path, self.chunks[0].text)


async def with_vectors(
    changed: Sequence[ChunkIndexed], embedder: Embedder | None, index: ChunkIndex, known: Mapping[str, IndexedChunk], untimed: Untimed
) -> AsyncGenerator[Ready, None]:
    """All of the chunks, each once. `known`: what the index has of the document. `untimed` stops the step's clock while the embedder works.

    Raises ModelUnavailable.
    """
    id_of_content = {chunk.content_hash: chunk_id for chunk_id, chunk in known.items()}
    moved = [chunk for chunk in changed if chunk.content_hash in id_of_content]
    new = [chunk for chunk in changed if chunk.content_hash not in id_of_content]
    # What a server holds may be of the version before: others write it, in their own time.
    kept = moved and embedder and not index.shared
    rows = await index.vectors_of(changed[0].tenant, [id_of_content[chunk.content_hash] for chunk in moved]) if kept else None
    if embedder and rows is None:  # nothing moved, or the index has no vectors to give
        moved, new = [], list(changed)
    for start in range(0, len(moved), _WRITTEN):
        part = moved[start : start + _WRITTEN]
        yield Ready(tuple(part if rows is None else map(_with_vector, part, rows[start : start + _WRITTEN])), 0)
    async with aclosing(_embedded(_contents(new), embedder, untimed) if embedder else _bare(new)) as parts:
        async for ready in parts:
            yield ready


async def _bare(new: Sequence[ChunkIndexed]) -> AsyncGenerator[Ready, None]:
    """Without an embedder."""
    for part in _parts(new, _WRITTEN):
        yield Ready(tuple(part), len(part))


async def _embedded(contents: Sequence[_Content], embedder: Embedder, untimed: Untimed) -> AsyncGenerator[Ready, None]:
    flags = await embedder.known([content.text for content in contents])
    kept = [content for content, is_known in zip(contents, flags, strict=True) if is_known]
    fresh = [content for content, is_known in zip(contents, flags, strict=True) if not is_known]
    for is_fresh, some, size in ((False, kept, _WRITTEN), (True, fresh, _SLICE)):
        async with aclosing(_computed(list(_parts(some, size)), embedder, untimed)) as parts:
            async for part, rows in parts:
                chunks = [_with_vector(chunk, row) for content, row in zip(part, rows, strict=True) for chunk in content.chunks]
                yield Ready(tuple(chunks), len(part) if is_fresh else 0)


async def _computed(
    parts: Sequence[Sequence[_Content]], embedder: Embedder, untimed: Untimed
) -> AsyncGenerator[tuple[Sequence[_Content], Vectors], None]:
    """The parts in order with their rows, the next one asked for while one is waited for."""
    asked: deque[asyncio.Task[Vectors]] = deque()
    try:
        for place, part in enumerate(parts):
            for ahead in parts[place + len(asked) : place + _AHEAD]:
                asked.append(asyncio.create_task(_rows(ahead, embedder), name="embed-slice"))
            with untimed():
                rows = await asked[0]
            asked.popleft()
            yield part, rows
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _rows(part: Sequence[_Content], embedder: Embedder) -> Vectors:
    return await embedder.embed([content.text for content in part])


def _parts(some: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (some[start : start + size] for start in range(0, len(some), size))


def _contents(chunks: Iterable[ChunkIndexed]) -> list[_Content]:
    """By content, in order."""
    found: dict[str, list[ChunkIndexed]] = {}
    for chunk in chunks:
        found.setdefault(chunk.content_hash, []).append(chunk)
    return [_Content(tuple(alike)) for alike in found.values()]


def _with_vector(chunk: ChunkIndexed, row: Vectors) -> ChunkIndexed:
    return chunk.model_copy(update={"vector": vector_to_text(row)})
