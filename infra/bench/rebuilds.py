"""Three ways with the topic `chunks`, each in a process of its own: `python -m infra.bench.rebuilds ours|read|add --chunks N`.

ours: what a worker does when it starts: the topic into a chunk index that can be searched. read: the bare consumer, the records let go.
add: usearch and tantivy without anything of ours, given the same vectors and texts, nothing of which is kept beside the two.
"""

from __future__ import annotations

import asyncio

import numpy as np
from aiokafka.consumer import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from tantivy import Document, Index, SchemaBuilder
from usearch.index import Index as Graph

from connectors.journal import open_journal
from connectors.kafka.client import client_options
from connectors.keyword_index.terms import analyser
from infra.bench.child import Clock, Memory, run_way
from infra.bench.corpus import BATCH, MADE_UP, chunk_events, vectors
from schemas.events import ChunkIndexed
from schemas.settings import Settings
from schemas.topics import CHUNKS
from streams.chunk_index import follow
from streams.ports import open_index
from streams.process import prepare_process

_ADDED = 5_000  # at once: usearch spreads them over all cores
_HEAP_BYTES = 15_000_000  # this and the next as connectors/keyword_index/tantivy.py and connectors/vector_index/usearch.py have them
_EXPANSION = 64


async def ours(settings: Settings, chunks: int) -> dict[str, float]:
    """Seconds until everything can be found."""
    prepare_process()
    index = open_index(settings, MADE_UP)
    memory = Memory()
    async with open_journal(settings) as journal:
        with Clock() as clock:
            following = asyncio.create_task(follow(journal, index, starting=True))
            await index.wait_for(await journal.ends(CHUNKS))
        following.cancel()
    if index.size != chunks:
        raise RuntimeError(f"{index.size} chunks came of {chunks}.")
    return {**clock.figures(), **memory.figures()}


async def read(settings: Settings, chunks: int) -> dict[str, float]:
    """Seconds until every record was there."""
    memory = Memory()
    consumer = AIOKafkaConsumer(enable_auto_commit=False, max_partition_fetch_bytes=settings.max_document_bytes * 2, **client_options(settings))
    await consumer.start()
    try:
        count, partitions = 0, [TopicPartition(CHUNKS.name, number) for number in range(settings.partitions)]
        with Clock() as clock:
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            while count < chunks:
                count += sum(map(len, (await consumer.getmany(timeout_ms=1_000)).values()))
        return {**clock.figures(), **memory.figures()}
    finally:
        await consumer.stop()


async def add(settings: Settings, chunks: int) -> dict[str, float]:
    """Seconds of adding alone. Texts and vectors are there before, and are no part of what is counted as memory.

    The vectors come in no order, as they do from the log's partitions.
    """
    documents = [_fields(event) for events in chunk_events(chunks, embedder=MADE_UP.name, dims=0) for event in events]
    rows = np.empty((chunks, MADE_UP.dims), dtype=np.float16)
    for first in range(0, chunks, BATCH):
        rows[first : first + BATCH] = vectors(first, min(BATCH, chunks - first), MADE_UP.dims)
    order = np.random.default_rng(7).permutation(chunks)
    memory, vector_clock, keyword_clock = Memory(), Clock(), Clock()
    graph, texts = Graph(ndim=MADE_UP.dims, metric="cos", dtype="bf16", expansion_add=_EXPANSION), _keyword_index()
    for first in range(0, chunks, _ADDED):
        places = order[first : first + _ADDED]
        part = rows[places].astype(np.float32)
        with vector_clock:
            graph.add(places.astype(np.uint64), part)
    with keyword_clock:
        writer = texts.writer(_HEAP_BYTES, 1)
        for document in documents:
            writer.add_document(Document(**document))
        writer.commit()
        writer.wait_merging_threads()
        texts.reload()
    return {"vector_s": vector_clock.wall_s, "keyword_s": keyword_clock.wall_s, "cpu_s": vector_clock.cpu_s + keyword_clock.cpu_s, **memory.figures()}


def _keyword_index() -> Index:
    builder = SchemaBuilder().add_text_field("chunk_id", stored=True, tokenizer_name="raw", index_option="basic")
    for field in ("title", "headings", "text"):
        builder = builder.add_text_field(field, tokenizer_name="roxy", index_option="freq")
    index = Index(builder.build())
    index.register_tokenizer("roxy", analyser())
    return index


def _fields(event: ChunkIndexed) -> dict[str, str]:
    return {"chunk_id": event.chunk_id, "title": event.title, "headings": " ".join(event.heading_path), "text": event.text}


if __name__ == "__main__":
    run_way({"ours": ours, "read": read, "add": add}, "chunks")
