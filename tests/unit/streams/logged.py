"""A corpus that lies in a journal, as on a broker: documents, the chunks made of them, and an index that follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path

import orjson

from connectors.chunker import open_chunker
from connectors.journal.memory import MemoryJournal
from schemas.events import DocumentDeleted, DocumentSubmitted
from schemas.settings import Settings
from schemas.topics import CHUNKS, DOCUMENTS
from streams.chunk_index import ChunkIndex
from streams.derivation import Cutter
from streams.rebuild_index import Origin, Workshop
from tests.builders import CONTEXT
from tests.unit.streams.corpus import SETTINGS, Corpus, Ingested, WordEmbedder, a_document

LONG = "# Lag\n\n" + "\n\n".join(f"## Part {number}\n\nThe lag of part {number} is one of the things that are said here." for number in range(8))


class LoggedCorpus(Corpus):
    """What `take` writes lies in the journal too."""

    def __init__(self, journal: MemoryJournal, *, vectors: bool = True, settings: Settings = SETTINGS) -> None:
        super().__init__(WordEmbedder() if vectors else None)
        self.journal, self.settings = journal, settings

    async def take(self, event: DocumentSubmitted | DocumentDeleted, offset: int = 0) -> Ingested:
        position = await self.journal.append(event, CONTEXT)
        done = await self.ingest(event, position.offset)
        await self.journal.append_all(done.chunks, CONTEXT)
        await self.journal.retract(CHUNKS, done.gone, CONTEXT)
        await self.catch_up()
        return done

    async def catch_up(self, index: ChunkIndex | None = None) -> ChunkIndex:
        """What the journal holds into an index; into the corpus's own, if none is given."""
        index = index or self.index
        await index.apply(self.journal.records(CHUNKS)[index.positions.get(0, 0) :])
        return index

    async def ends(self) -> Mapping[int, int]:
        return await self.journal.ends(CHUNKS)

    async def origin(self, chunks: int | None = None) -> Origin:
        """The present, or the first so many records of `chunks`."""
        return Origin("chunks", await self.ends() if chunks is None else {0: chunks}, {})

    async def documents(self) -> Origin:
        """The present, by way of `documents`."""
        return Origin("documents", await self.ends(), await self.journal.ends(DOCUMENTS))

    def workshop(self, settings: Settings | None = None, fingerprint: str = "same") -> Workshop:
        chunker = open_chunker(settings or self.settings, self.embedder)
        return Workshop(self.journal, partial(self.fresh_index), Cutter(chunker, self.embedder, fingerprint))


def in_an_older_form(folder: Path) -> None:
    """A saved index, with which number stands for which chunk as pairs: whole, but not what this version reads."""
    manifest = folder / "manifest.json"
    fields = orjson.loads(manifest.read_bytes())
    fields["saved_as"] = fields["saved_as"].partition(",")[0]
    for file in folder.glob("*.chunks"):
        file.write_bytes(orjson.dumps([[number, chunk_id] for number, chunk_id in enumerate(orjson.loads(file.read_bytes())) if chunk_id]))
        fields["files"][file.name] = blake2b(file.read_bytes(), digest_size=16).hexdigest()
    manifest.write_bytes(orjson.dumps(fields))


@asynccontextmanager
async def a_logged_corpus(*, vectors: bool = True) -> AsyncIterator[LoggedCorpus]:
    """Three documents; one was changed, one deleted and one is long."""
    async with MemoryJournal() as journal:
        corpus = LoggedCorpus(journal, vectors=vectors)
        await corpus.take(a_document(LONG))
        await corpus.take(a_document("# Cats\n\nCats sleep on warm radiators most of the day in winter.", document_id="cats"))
        await corpus.take(a_document("# Cats\n\nCats sleep in the sun for all of the summer.", document_id="cats"))
        await corpus.take(a_document("# Dogs\n\nDogs bark at the moon and run after cats.", document_id="dogs", tenant="acme"))
        yield corpus
