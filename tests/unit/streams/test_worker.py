"""What a worker says when it starts."""

from __future__ import annotations

from structlog.testing import capture_logs

from streams.worker import tell_of
from tests.unit.streams.corpus import Corpus, WordEmbedder, a_document


async def test_who_changes_the_embedder_is_told_what_becomes_of_the_chunks() -> None:
    """Their vectors are not compared with another model's; without a word, the half of the search would be gone unseen."""
    corpus = Corpus(WordEmbedder())
    await corpus.take(a_document("# Lag\n\nThe lag of a group."))
    other = Corpus(WordEmbedder("other")).index
    await other.apply(corpus.records)
    with capture_logs() as lines:
        tell_of(corpus.index)
        tell_of(other)

    assert [("info", None), ("info", None), ("warning", 1)] == [(line["log_level"], line.get("records")) for line in lines]
