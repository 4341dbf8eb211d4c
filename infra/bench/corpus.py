"""Made-up chunks for benches: sentences of the sample documents, recombined. The same number gives the same chunks."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np

from connectors.embedder.vectors import vector_to_text
from schemas.codec import Context
from schemas.events import ChunkIndexed

SAMPLES = Path(__file__).parent.parent / "samples"
BENCH = Context("/roxy/bench", f"00-{'b' * 32}-{'e' * 16}-00")
_BATCH = 500
_WRITTEN = "2026-01-01T00:00:00.000Z"
_SENTENCES = 14  # about 300 tokens
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def chunk_events(count: int, *, embedder: str, dims: int) -> Iterator[list[ChunkIndexed]]:
    """`count` chunks in batches. Vectors are random directions: a search costs the same as with real ones."""
    texts, directions = _texts(count), np.random.default_rng(1)
    batch: list[ChunkIndexed] = []
    for number, text in enumerate(texts):
        row = directions.standard_normal(dims).astype(np.float32) if dims else None
        batch.append(_chunk(number, text, embedder, None if row is None else vector_to_text(row / np.linalg.norm(row))))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def questions(count: int) -> list[str]:
    """Different questions: the sample set's, each with a word of the corpus more."""
    import orjson

    asked = [orjson.loads(line)["text"] for line in (SAMPLES / "beir" / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    words = sorted({word for sentence in _sentences() for word in re.findall(r"[a-z]{6,}", sentence)})
    pick = random.Random(2)
    return [f"{asked[number % len(asked)]} ({pick.choice(words)})" for number in range(count)]


def _texts(count: int) -> Iterator[str]:
    sentences, pick = _sentences(), random.Random(3)
    for _ in range(count):
        yield " ".join(pick.sample(sentences, _SENTENCES))


def _sentences() -> list[str]:
    pages = [page.read_text(encoding="utf-8") for page in sorted((SAMPLES / "docs").glob("*.md"))]
    lines = [line for page in pages for line in page.splitlines() if line[:1].isalpha()]
    return sorted({sentence for line in lines for sentence in _SENTENCE.split(line) if len(sentence) > 40})


def _chunk(number: int, text: str, embedder: str, vector: str | None) -> ChunkIndexed:
    document = f"bench-{number // 10}"
    return ChunkIndexed(
        id=f"{document}/{number}",
        tenant="default",
        chunk_id=f"default/{document}#{number % 10}",
        document_id=document,
        ordinal=number % 10,
        title=f"Page {number // 10}",
        source=f"bench/{document}.md",
        heading_path=(f"Section {number % 10}",),
        start=0,
        end=len(text),
        text=text,
        tokens=len(text) // 5,
        written_at=_WRITTEN,
        content_hash=blake2b(text.encode(), digest_size=16).hexdigest(),
        embedder=embedder,
        vector=vector,
    )
