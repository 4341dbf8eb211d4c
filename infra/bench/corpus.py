"""Made-up chunks for benches: sentences of the sample documents recombined, with rare words, and vectors that lie together as real ones do.

The same number always gives the same chunk.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np

from connectors.embedder.base import Vectors
from connectors.embedder.vectors import vector_to_text
from schemas.codec import Context
from schemas.events import ChunkIndexed, DocumentSubmitted


class MadeUp:
    """An embedder of nothing: texts get directions that have nothing to do with them. The vectors of made-up chunks bear its name."""

    name = "made-up"
    dims = 384

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        return np.concatenate([_made(text, 1, self.dims) for text in texts])

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        return [False] * len(texts)


MADE_UP = MadeUp()
SAMPLES = Path(__file__).parent.parent / "samples"
BENCH = Context("/roxy/bench", f"00-{'b' * 32}-{'e' * 16}-00")
BATCH = 500
TENANT = "default"
_WRITTEN = "2026-01-01T00:00:00.000Z"
_SENTENCES = 14  # about 300 tokens
_OF_DOCUMENT = 10  # chunks
_TOPICS = 200
_RARE = 50_000  # words that a corpus of this size has beside those of everyday
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
# Shares of a vector's length that all texts, those of a topic, those of a document have in common, and its own. Of the sample sentences' MiniLM
# vectors two have a cosine of 0.12 in the mean, and the nearest one of 0.60; chunks of one document are nearer.
_SHARES = (0.12, 0.2, 0.33, 0.35)
_SPECTRUM = 50.0  # the k-th principal direction has exp(-k / 50) of the variance: 67 % in the first 50 of 384, as measured there


def chunk_events(count: int, *, embedder: str, dims: int, first: int = 0) -> Iterator[list[ChunkIndexed]]:
    """The chunks `first` to `first + count`, in batches. `dims` 0: without vectors. `first` is a multiple of BATCH."""
    for begin in range(first, first + count, BATCH):
        size = min(BATCH, first + count - begin)
        rows = vectors(begin, size, dims) if dims else [None] * size
        yield [_chunk(begin + place, embedder, row) for place, row in enumerate(rows)]


def documents(count: int, sections: int) -> list[DocumentSubmitted]:
    """Pages of Markdown, each section of which becomes a chunk."""
    return [_document(number, [text_of(number * sections + place) for place in range(sections)]) for number in range(count)]


def text_of(number: int) -> str:
    """A chunk's text: sentences, each with a rare word of the corpus, or of its document, behind it."""
    pick, sentences = random.Random(number), _sentences()
    own = _rare_words()[number // _OF_DOCUMENT * 7_919 % _RARE]
    return " ".join(f"{sentence} ({own if pick.random() < 0.2 else _rare(pick)})" for sentence in pick.sample(sentences, _SENTENCES))


def vectors(first: int, count: int, dims: int) -> Vectors:
    """The chunks' vectors, of length 1, shape (count, dims). `first` is a multiple of BATCH."""
    numbers = np.arange(first, first + count)
    documents = numbers // _OF_DOCUMENT
    parts = (
        _directions("all", [0] * count, dims),
        _directions("topic", [int(document) * 7_919 % _TOPICS for document in documents], dims),
        _directions("document", documents.tolist(), dims),
        np.concatenate([_made(f"chunks {begin}", BATCH, dims) for begin in range(first, first + count, BATCH)])[:count],
    )
    return normal(sum(np.sqrt(share) * part for share, part in zip(_SHARES, parts, strict=True)))


def normal(rows: Vectors) -> Vectors:
    """Rows of length 1."""
    scaled: Vectors = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def questions(count: int) -> list[str]:
    """Different questions: the sample set's, each with a word of the corpus more."""
    import orjson

    asked = [orjson.loads(line)["text"] for line in (SAMPLES / "beir" / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    words = sorted({word for sentence in _sentences() for word in re.findall(r"[a-z]{6,}", sentence)})
    pick = random.Random(2)
    return [f"{asked[number % len(asked)]} ({pick.choice(words)})" for number in range(count)]


@cache
def _sentences() -> tuple[str, ...]:
    pages = [page.read_text(encoding="utf-8") for page in sorted((SAMPLES / "docs").glob("*.md"))]
    lines = [line for page in pages for line in page.splitlines() if line[:1].isalpha()]
    return tuple(sorted({sentence for line in lines for sentence in _SENTENCE.split(line) if len(sentence) > 40}))


def _rare(pick: random.Random) -> str:
    """One of them; the n-th has a frequency of about 1/n."""
    words = _rare_words()
    return words[int(len(words) ** pick.random()) - 1]


@cache
def _rare_words() -> tuple[str, ...]:
    pick = random.Random(4)
    return tuple("".join(pick.choice("bdfgklmnprstvz") + pick.choice("aeiou") for _ in range(4)) for _ in range(_RARE))


def _directions(kind: str, numbers: list[int], dims: int) -> Vectors:
    """A direction for each number, made once for those that are the same."""
    made = {number: _made(f"{kind} {number}", 1, dims)[0] for number in dict.fromkeys(numbers)}
    return np.stack([made[number] for number in numbers])


def _made(name: str, count: int, dims: int) -> Vectors:
    seed = int.from_bytes(blake2b(name.encode(), digest_size=4).digest())
    return normal(np.random.default_rng(seed).standard_normal((count, dims), dtype=np.float32) * np.exp(-np.arange(dims) / (2 * _SPECTRUM)))


def _document(number: int, texts: Sequence[str]) -> DocumentSubmitted:
    name = f"bench-{number}"
    content = "\n\n".join([f"# Page {number}", *(f"## Section {place}\n\n{text}" for place, text in enumerate(texts))])
    return DocumentSubmitted(id=name, tenant=TENANT, time=_WRITTEN, document_id=name, source=f"bench/{name}.md", content=content)


def _chunk(number: int, embedder: str, vector: Vectors | None) -> ChunkIndexed:
    document, ordinal = f"bench-{number // _OF_DOCUMENT}", number % _OF_DOCUMENT
    text = text_of(number)
    return ChunkIndexed(
        id=f"{document}/{number}",
        tenant=TENANT,
        time=_WRITTEN,
        chunk_id=f"{TENANT}/{document}#{ordinal}",
        document_id=document,
        ordinal=ordinal,
        title=f"Page {number // _OF_DOCUMENT}",
        source=f"bench/{document}.md",
        heading_path=(f"Section {ordinal}",),
        start=0,
        end=len(text),
        text=text,
        tokens=len(text) // 5,
        written_at=_WRITTEN,
        content_hash=blake2b(text.encode(), digest_size=16).hexdigest(),
        embedder=embedder,
        vector=None if vector is None else vector_to_text(vector),
    )
