"""Ingestion: only what changed is written, only what is new is embedded."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from numpy.typing import NDArray

from connectors.chunker import open_chunker
from connectors.journal.memory import MemoryJournal
from schemas.errors import IndexUnavailable, InvalidDocument, UnreadableDocument
from schemas.events import ChunkIndexed, DocumentRemoved
from schemas.record import Position
from streams import chunk_vectors
from streams.document_chunks import text_to_embed
from streams.ingestion import ingest
from streams.outlet import Output
from tests.builders import CONTEXT
from tests.unit.streams.corpus import SETTINGS, Corpus, Ingested, WordEmbedder, a_deletion, a_document

SECTION = "## {0}\n\nThis section is about {0} and nothing else in the whole world of {0}, as {0} is all there is here."
TEXT = "# Lag\n\n" + "\n\n".join(SECTION.format(name) for name in ("apples", "bananas", "cherries", "dates"))


LARGE = "# Book\n\n" + "\n\n".join(SECTION.format(f"number {number} of the book") for number in range(150))


async def first(outputs: AsyncGenerator[Output, None], count: int) -> AsyncIterator[Output]:
    """The first outputs, as many as there are."""
    for _ in range(count):
        with suppress(StopAsyncIteration):
            yield await anext(outputs)


def made(done: Ingested) -> tuple[int, int, int]:
    return len(done.chunks), len(done.gone), getattr(done.outcome, "embedded", 0)


async def test_a_new_document_becomes_chunks_with_vectors() -> None:
    """With title, headings, place, and ids that follow from the document."""
    corpus = Corpus(WordEmbedder())
    done = await corpus.ingest(a_document(TEXT), offset=7)
    first = done.chunks[0]

    assert [chunk.chunk_id for chunk in done.chunks] == [f"default/lag#{number}" for number in range(len(done.chunks))]
    assert first.id == f"default/lag#0@{first.content_hash[:16]}"
    assert (first.title, first.source, first.heading_path, TEXT[first.start : first.end]) == ("Lag", "lag.md", ("Lag",), first.text)
    assert all(chunk.vector and chunk.embedder == "words" for chunk in done.chunks)
    assert (done.outcome.id, done.outcome.title, done.outcome.chunks) == ("lag@0/7", "Lag", len(done.chunks))  # type: ignore[union-attr]


async def test_the_same_version_again_writes_nothing() -> None:
    """A redelivered record, or a second `roxy ingest`, costs no embedding."""
    corpus = Corpus(WordEmbedder())
    first = await corpus.take(a_document(TEXT))
    again = await corpus.take(a_document(TEXT))

    assert made(first) == (len(first.chunks), 0, len(first.chunks))
    assert made(again) == (0, 0, 0)


async def test_the_same_version_gives_the_same_chunks() -> None:
    """Ids and content do not depend on when it was done."""
    document = a_document(TEXT)
    one, other = [await Corpus(WordEmbedder()).ingest(document) for _ in range(2)]

    assert [chunk.model_copy(update={"time": ""}) for chunk in one.chunks] == [chunk.model_copy(update={"time": ""}) for chunk in other.chunks]


async def test_only_a_changed_section_is_embedded_again() -> None:
    """The others that moved take their vectors along."""
    embedder = WordEmbedder()
    corpus = Corpus(embedder)
    await corpus.take(a_document(TEXT))
    before = len(embedder.texts)
    done = await corpus.take(a_document(TEXT.replace("bananas", "blackberries")))

    assert ["blackberries" in text for text in embedder.texts[before:]] == [True]
    assert done.outcome.embedded == 1  # type: ignore[union-attr]


def _row(chunk: ChunkIndexed) -> NDArray[np.float16]:
    return np.frombuffer(base64.b64decode(chunk.vector or ""), dtype="<f2")


async def test_a_section_put_in_front_moves_the_others_without_embedding_them() -> None:
    """Their vectors come out of the index under their new ids."""
    embedder = WordEmbedder()
    corpus = Corpus(embedder)
    first = await corpus.take(a_document(TEXT, title="Lag"))
    before = len(embedder.texts)
    done = await corpus.take(a_document(SECTION.format("zucchini") + "\n\n" + TEXT, title="Lag"))
    vectors = {chunk.content_hash: _row(chunk) for chunk in first.chunks}

    assert ["zucchini" in text for text in embedder.texts[before:]] == [True]
    assert len(done.chunks) == len(first.chunks) + 1
    for chunk in done.chunks[:-1]:  # as the index keeps them: 8 bits of each number
        np.testing.assert_allclose(_row(chunk), vectors[chunk.content_hash], atol=2**-8)
    assert (done.outcome.reused, done.outcome.embedded) == (len(first.chunks), 1)  # type: ignore[union-attr]


async def test_a_shorter_version_takes_chunks_away() -> None:
    """Their keys get tombstones, and nothing finds them."""
    corpus = Corpus(WordEmbedder())
    first = await corpus.take(a_document(TEXT))
    done = await corpus.take(a_document("# Lag\n\nOne line is left of it."))

    assert (len(done.gone), corpus.index.size) == (len(first.chunks) - 1, 1)
    assert done.outcome.removed == len(done.gone)  # type: ignore[union-attr]


async def test_a_deletion_takes_all_away() -> None:
    """Of this document and tenant only; a second deletion finds nothing."""
    corpus = Corpus(WordEmbedder())
    first = await corpus.take(a_document(TEXT))
    await corpus.take(a_document(TEXT, tenant="acme"))
    await corpus.take(a_document(TEXT, document_id="other"))
    done = await corpus.take(a_deletion())
    again = await corpus.take(a_deletion())

    assert isinstance(done.outcome, DocumentRemoved)
    assert (done.outcome.removed, again.outcome.removed, corpus.index.size) == (len(first.chunks), 0, 2 * len(first.chunks))


async def test_another_embedder_embeds_all_again() -> None:
    """Its name is part of what is hashed."""
    corpus = Corpus(WordEmbedder("one"))
    first = await corpus.take(a_document(TEXT))
    corpus.embedder = WordEmbedder("two")
    done = await corpus.ingest(a_document(TEXT))

    assert done.outcome.embedded == len(first.chunks)  # type: ignore[union-attr]


async def test_without_an_embedder_chunks_have_no_vectors() -> None:
    """And a version that is known writes nothing all the same."""
    corpus = Corpus()
    done = await corpus.take(a_document(TEXT))

    assert {(chunk.embedder, chunk.vector) for chunk in done.chunks} == {("none", None)}
    assert made(await corpus.take(a_document(TEXT))) == (0, 0, 0)


async def test_a_vector_that_is_kept_is_not_computed() -> None:
    """It counts as reused: the same text was embedded before, in whatever document."""
    embedder = WordEmbedder()
    corpus = Corpus(embedder)
    first = await corpus.ingest(a_document(TEXT, title="Lag"))
    embedder.kept = set(embedder.texts[:2])
    done = await corpus.ingest(a_document(TEXT, document_id="copy", title="Lag"))

    assert (2, len(first.chunks) - 2) == (done.outcome.reused, done.outcome.embedded)  # type: ignore[union-attr]
    assert [chunk.vector for chunk in first.chunks] == [chunk.vector for chunk in done.chunks]


async def test_the_same_content_twice_is_computed_once() -> None:
    """As of a form whose pages all bear the same text."""
    embedder = WordEmbedder()
    form = "## Form\n\n" + "This page is left blank and nothing else is on it but this sentence, which is long enough for a chunk. " * 2
    done = await Corpus(embedder).ingest(a_document(f"{form}\n\n" * 3, title="Forms"))
    contents = {chunk.content_hash for chunk in done.chunks}

    assert len(contents) < len(done.chunks)
    assert (len(contents), len(contents)) == (len(embedder.texts), done.outcome.embedded)  # type: ignore[union-attr]
    assert len(done.chunks) - len(contents) == done.outcome.reused  # type: ignore[union-attr]


@pytest.mark.parametrize("embedder", [None, WordEmbedder()])
async def test_a_large_document_tells_how_far_it_is(embedder: WordEmbedder | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is cut, and then every so many chunks; a small one, and what of a large one has not changed, is not worth a record."""
    for name in ("_SLICE", "_WRITTEN"):
        monkeypatch.setattr(chunk_vectors, name, 8)
    corpus = Corpus(embedder)
    done = await corpus.take(a_document(LARGE))
    again = await corpus.take(a_document(LARGE.replace("number 7 ", "letter 7 ")))
    chunks = len(done.chunks)

    assert [("cut", 0), *(("embedding", told) for told in range(32, chunks, 32))] == [(one.stage, one.done) for one in done.progress]
    assert ({chunks}, len(done.progress)) == ({one.chunks for one in done.progress}, len({one.id for one in done.progress}))
    assert ((), 1) == (again.progress, again.outcome.embedded)  # type: ignore[union-attr]


@pytest.mark.parametrize("survived", range(6))
async def test_what_a_killed_worker_has_written_is_not_made_again(survived: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one goes on behind it, and what can be found in the end is the same."""
    monkeypatch.setattr(chunk_vectors, "_SLICE", 1)
    before, after = a_document(TEXT, title="Lag"), a_document(f"{SECTION.format('figs')}\n\n{TEXT.replace('bananas', 'berries')}", title="Lag")
    corpus, untouched = Corpus(WordEmbedder()), Corpus(WordEmbedder())
    known = {chunk.content_hash for chunk in (await corpus.take(before)).chunks}
    await untouched.take(before)
    outputs = corpus.outputs(after)
    written = [output async for output in first(outputs, survived) if isinstance(output, tuple)]
    await outputs.aclose()
    await corpus.write([chunk for chunks in written for chunk in chunks])
    done, expected = await corpus.take(after), await untouched.take(after)
    already = {chunk.content_hash for chunks in written for chunk in chunks} - known

    assert corpus.index.chunks_of("default", "lag") == untouched.index.chunks_of("default", "lag")
    assert sum(map(len, written)) <= done.outcome.kept  # type: ignore[union-attr]
    assert expected.outcome.embedded == done.outcome.embedded + len(already)  # type: ignore[union-attr]


async def test_an_index_that_lags_is_waited_for_off_the_clock_and_then_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is tried again; one that met the step's own limit would go to the dead letters at once, for no fault of the document."""
    monkeypatch.setattr("streams.ingestion._CATCHING_UP_S", 0.01)
    clock: list[str] = []

    @contextmanager
    def untimed() -> Iterator[None]:
        clock.append("stopped")
        try:
            yield
        finally:
            clock.append("running")

    corpus = Corpus()
    async with MemoryJournal() as journal:
        corpus.index.following(journal)
        await journal.append_all((await Corpus().ingest(a_document(TEXT))).chunks, CONTEXT)  # not applied
        source = Position("documents", 0, 0)
        outputs = ingest(a_document(TEXT), chunker=open_chunker(SETTINGS, None), embedder=None, index=corpus.index, source=source, untimed=untimed)
        with pytest.raises(IndexUnavailable):
            await anext(outputs)

    assert ["stopped", "running"] == clock


@pytest.mark.parametrize(("title", "text", "expected"), [("Given", TEXT, "Given"), (None, TEXT, "Lag"), (None, "No heading here.", "lag.md")])
async def test_the_title_is_given_or_found(title: str | None, text: str, expected: str) -> None:
    """The submitted one, else the document's own, else its source."""
    done = await Corpus().ingest(a_document(text).model_copy(update={"title": title}))

    assert done.chunks[0].title == expected


async def test_bytes_come_in_base64() -> None:
    """As a PDF does."""
    content = base64.b64encode(b"<html><body><h1>Page</h1><p>Some text is here.</p></body></html>").decode()
    done = await Corpus().ingest(a_document(content, encoding="base64", content_type="text/html"))

    assert "Some text is here." in done.chunks[0].text


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (a_document("!!", content_type="text/plain"), UnreadableDocument),
        (a_document("no base64!", encoding="base64"), UnreadableDocument),
        (a_document("x", content_type="application/pdf"), UnreadableDocument),
        (a_document("text", document_id="d" * 180), InvalidDocument),
    ],
)
async def test_what_cannot_be_read_is_an_error_with_a_remedy(event: object, error: type[InvalidDocument]) -> None:
    """The frame round the step makes DocumentFailed of it."""
    with pytest.raises(error) as raised:
        await Corpus().ingest(event)  # type: ignore[arg-type]

    assert raised.value.remedy


def test_what_is_embedded_says_what_the_chunk_stands_under() -> None:
    """Title, headings but the title's own, text."""
    assert text_to_embed("Lag", ("Lag", "In time", "Why"), "Text.") == "Lag\nIn time > Why\nText."
    assert text_to_embed("", (), "Text.") == "Text."
