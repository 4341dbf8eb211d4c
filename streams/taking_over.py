"""Taking over: how a generation that was made of `documents` follows `chunks`. A document of which anything changes there is taken over as a whole.

Its own chunks of the document may be cut otherwise, so single records do not fit into it. What the document is by now, the live index knows.
"""

from __future__ import annotations

import asyncio

import structlog

from connectors.journal.base import Journal
from schemas.errors import Unavailable
from schemas.topics import CHUNKS
from streams.chunk_change import Change, document_of
from streams.chunk_index import ChunkIndex

_READ_S = 0.5
_RETRY_S = 1.0

log = structlog.get_logger(__name__)


async def follow_documents(journal: Journal, index: ChunkIndex, live: ChunkIndex) -> None:
    """From where the index stands, for ever."""
    while True:
        try:
            async with journal.follow(CHUNKS, index.positions) as follower:
                while True:
                    records = await follower.read(_READ_S)
                    await live.wait_for(follower.positions)
                    for tenant, document_id in sorted({document_of((record.key or b"").decode("utf-8", "replace")) for record in records}):
                        await take_over(index, live, tenant, document_id)
                    await index.advance(follower.positions)
        except Unavailable as error:
            log.warning("documents not taken over", error=str(error), retry_s=_RETRY_S)
        except Exception:
            log.exception("documents not taken over", retry_s=_RETRY_S)
        await asyncio.sleep(_RETRY_S)


async def take_over(index: ChunkIndex, live: ChunkIndex, tenant: str, document_id: str) -> None:
    """The document as the live index has it."""
    there = live.chunks_of(tenant, document_id)
    changes = {chunk_id: Change(None, None) for chunk_id in index.chunks_of(tenant, document_id) if chunk_id not in there}
    for chunk_id, chunk in there.items():
        rows = await live.vectors_of(tenant, [chunk_id])
        changes[chunk_id] = Change(chunk, None if rows is None else rows[0])
    if changes:
        await index.take(tenant, changes)
