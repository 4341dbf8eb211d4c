"""Weaviate's own hybrid search over the made-up chunks, by a server of the bench's own: the measure beside `roxy bench retrieval`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from connectors.embedder.vectors import vector_from_text
from connectors.keyword_index.base import Entry
from connectors.shared_index import open_shared_index
from connectors.shared_index.base import SharedChange, SharedIndex
from infra import weaviate
from infra.bench.corpus import MADE_UP, TENANT, chunk_events
from infra.bench.lookups import Asked, timed
from infra.ports import free_block
from schemas.events import ChunkIndexed
from schemas.settings import Settings
from streams.search.plan import Plan

_PORTS = 6
_ANSWER_S = 60.0  # a server that is still busy with what it was given answers late, and that is to be seen


async def hybrid_times(settings: Settings, chunks: int, asked: Sequence[Asked], plan: Plan) -> list[float]:
    """Milliseconds of each question's best chunks, fused on the server. Raises MissingExtra, LocalProcessError, IndexUnavailable."""
    async with _own_server(settings) as own:
        index = open_shared_index(own, embedder=MADE_UP.name, dims=MADE_UP.dims)
        assert index is not None
        try:
            await _fill(index, chunks)
            return await timed(lambda one: index.hybrid(TENANT, one.text, one.vector, plan.top_k, plan.keyword_weight), asked)
        finally:
            await index.close()


@asynccontextmanager
async def _own_server(settings: Settings) -> AsyncIterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="roxy-") as folder:
        first = free_block(_PORTS)
        place = {"state_dir": Path(folder), "weaviate_url": None, "weaviate_port": first, "weaviate_grpc_port": first + 1}
        own = settings.model_copy(update={**place, "search_timeout_s": _ANSWER_S})
        try:
            await weaviate.SERVER.start(own)
            yield weaviate.reached(own).model_copy(update={"vector_index": "weaviate", "keyword_index": "weaviate"})
        finally:
            await asyncio.to_thread(weaviate.SERVER.stop, own)


async def _fill(index: SharedIndex, chunks: int) -> None:
    generation, offset = await index.serving(), 0
    for events in chunk_events(chunks, embedder=MADE_UP.name, dims=MADE_UP.dims):
        await index.apply(generation, TENANT, [_change(event, offset + place) for place, event in enumerate(events)])
        offset += len(events)


def _change(event: ChunkIndexed, offset: int) -> SharedChange:
    entry = Entry(event.chunk_id, event.title, " ".join(event.heading_path), event.text)
    return SharedChange(event.chunk_id, offset, entry, vector_from_text(event.vector or ""))
