"""A small corpus for the tests of ingestion, retrieval and the chunk index: real ports, and an embedder that counts words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np

from connectors.chunker import open_chunker
from connectors.embedder.base import Embedder, Vectors
from connectors.keyword_index import open_keyword_index
from connectors.vector_index import open_vector_index
from schemas.codec import encode
from schemas.errors import ModelUnavailable
from schemas.events import ChunkIndexed, DocumentDeleted, DocumentIndexed, DocumentRemoved, DocumentSubmitted, IngestionProgressed
from schemas.record import Draft, Position, Record
from schemas.settings import Settings
from streams.chunk_index import ChunkIndex
from streams.ingestion import ingest
from streams.outlet import Output, Tombstones
from streams.search.plan import Plan
from tests.builders import CONTEXT

SETTINGS = Settings(chunk_tokens=60, chunk_overlap=10, chunk_min_tokens=15)
PLAN = Plan.of(SETTINGS)


class WordEmbedder:
    """A word is a direction: texts with the same words are near. Remembers what it was given; fails if told to."""

    def __init__(self, name: str = "words") -> None:
        self.name, self.dims = name, 64
        self.texts: list[str] = []
        self.kept: set[str] = set()
        self.fails = False

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        return [text in self.kept for text in texts]

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        if self.fails:
            raise ModelUnavailable
        self.texts += texts
        rows = np.full((len(texts), self.dims), 0.01, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[blake2b(word.encode(), digest_size=1).digest()[0] % self.dims] += 1
        normal: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return normal


class Ingested(NamedTuple):
    """What the step has put out, by kind."""

    chunks: tuple[ChunkIndexed, ...]
    gone: tuple[str, ...]
    progress: tuple[IngestionProgressed, ...]
    outcome: DocumentIndexed | DocumentRemoved

    @classmethod
    def of(cls, outputs: Sequence[Output]) -> Self:
        chunks = [chunk for output in outputs if isinstance(output, tuple) and not isinstance(output, Tombstones) for chunk in output]
        gone = [key for output in outputs if isinstance(output, Tombstones) for key in output.keys]
        progress = [output for output in outputs if isinstance(output, IngestionProgressed)]
        outcome = outputs[-1]
        assert isinstance(outcome, DocumentIndexed | DocumentRemoved)
        return cls(tuple(chunks), tuple(gone), tuple(progress), outcome)


class Corpus:
    """An index, and a topic `chunks` that feeds it."""

    def __init__(self, embedder: Embedder | None = None, *, keywords: bool = True) -> None:
        self.embedder = embedder
        self.records: list[Record] = []
        self.index = self.fresh_index(keywords=keywords)

    def fresh_index(self, *, keywords: bool = True) -> ChunkIndex:
        """Another empty index of the same kind."""
        return ChunkIndex(
            vectors=open_vector_index("usearch", self.embedder.dims) if self.embedder else None,
            keywords=open_keyword_index("tantivy" if keywords else "none"),
            embedder_name=self.embedder.name if self.embedder else "none",
        )

    async def ingest(self, event: DocumentSubmitted | DocumentDeleted, offset: int = 0) -> Ingested:
        """What the step makes of it, without writing it."""
        return Ingested.of([output async for output in self.outputs(event, offset)])

    def outputs(self, event: DocumentSubmitted | DocumentDeleted, offset: int = 0) -> AsyncGenerator[Output, None]:
        """The step's outputs, one by one."""
        source = Position("documents", 0, offset)
        return ingest(event, chunker=open_chunker(SETTINGS, self.embedder), embedder=self.embedder, index=self.index, source=source)

    async def take(self, event: DocumentSubmitted | DocumentDeleted, offset: int = 0) -> Ingested:
        """The step, its output written, and the index caught up."""
        done = await self.ingest(event, offset)
        await self.write([*done.chunks], done.gone)
        return done

    async def write(self, chunks: Sequence[ChunkIndexed], gone: Sequence[str] = ()) -> None:
        drafts = [*(encode(chunk, CONTEXT) for chunk in chunks), *(Draft(key.encode(), None, ()) for key in gone)]
        written = [Record("chunks", 0, len(self.records) + place, *draft) for place, draft in enumerate(drafts)]
        self.records += written
        await self.index.apply(written)


def a_document(text: str, document_id: str = "lag", tenant: str = "default", **fields: str) -> DocumentSubmitted:
    identity = {"id": f"{document_id}@1", "tenant": tenant, "document_id": document_id, "source": f"{document_id}.md"}
    return DocumentSubmitted(**identity | {"content": text} | fields)


def a_deletion(document_id: str = "lag", tenant: str = "default") -> DocumentDeleted:
    return DocumentDeleted(id=f"{document_id}@2", tenant=tenant, document_id=document_id)
