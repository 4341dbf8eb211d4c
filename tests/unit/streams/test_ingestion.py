"""Ingestion: only what changed is written, only what is new is embedded."""

from __future__ import annotations

import base64

import pytest

from schemas.errors import InvalidDocument, UnreadableDocument
from schemas.events import DocumentRemoved
from streams.ingestion import Ingested, text_to_embed
from tests.unit.streams.corpus import Corpus, WordEmbedder, a_deletion, a_document

SECTION = "## {0}\n\nThis section is about {0} and nothing else in the whole world of {0}, as {0} is all there is here."
TEXT = "# Lag\n\n" + "\n\n".join(SECTION.format(name) for name in ("apples", "bananas", "cherries", "dates"))


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


async def test_a_section_put_in_front_moves_the_others_without_embedding_them() -> None:
    """Their vectors come out of the index under their new ids."""
    embedder = WordEmbedder()
    corpus = Corpus(embedder)
    first = await corpus.take(a_document(TEXT, title="Lag"))
    before = len(embedder.texts)
    done = await corpus.take(a_document(SECTION.format("zucchini") + "\n\n" + TEXT, title="Lag"))
    vectors = {chunk.content_hash: chunk.vector for chunk in first.chunks}

    assert ["zucchini" in text for text in embedder.texts[before:]] == [True]
    assert len(done.chunks) == len(first.chunks) + 1
    assert [chunk.vector == vectors[chunk.content_hash] for chunk in done.chunks[1:]] == [True] * len(first.chunks)


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
