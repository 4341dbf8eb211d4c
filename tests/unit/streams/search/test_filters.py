"""Filters: the maps let through what a look at every chunk would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Filters
from streams.chunk_change import IndexedChunk
from streams.search.filters import Attributes
from tests.unit.streams.corpus import Corpus, WordEmbedder, a_deletion, a_document

SOURCES, TAGS, TIMES = ("a.md", "docs/b.md", "docs/c.md", "d*"), ("howto", "old", "new"), ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
CHUNKS = st.dictionaries(
    st.sampled_from(range(12)).map(str),
    st.builds(
        lambda source, tags, time: IndexedChunk("d", 0, "D", source, (), 0, 1, "x", 1, tags, time, "h", "none"),
        st.sampled_from(SOURCES),
        st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
        st.sampled_from(TIMES),
    ),
)
MOMENTS = st.none() | st.sampled_from((*TIMES, "2025-06-01T00:00:00.000Z", "2026-01-15T00:00:00.000Z"))
FILTERS = st.builds(
    Filters,
    sources=st.lists(st.sampled_from((*SOURCES, "docs/*", "*", "unknown.md"))).map(tuple),
    tags=st.lists(st.sampled_from((*TAGS, "unknown"))).map(tuple),
    since=MOMENTS,
    until=MOMENTS,
).filter(lambda filters: filters != Filters())


def admits(filters: Filters, chunk: IndexedChunk) -> bool:
    """What the filter's fields say, of one chunk."""
    named = any(chunk.source.startswith(one[:-1]) if one.endswith("*") else chunk.source == one for one in filters.sources)
    return (
        (named or not filters.sources)
        and (not filters.tags or not set(filters.tags).isdisjoint(chunk.tags))
        and (filters.since is None or chunk.written_at >= filters.since)
        and (filters.until is None or chunk.written_at < filters.until)
    )


@given(before=CHUNKS, after=CHUNKS, filters=FILTERS)
def test_the_maps_admit_what_a_look_at_every_chunk_does(before: dict[str, IndexedChunk], after: dict[str, IndexedChunk], filters: Filters) -> None:
    """Also when chunks have come, changed and gone since they were made, and have been asked for in between."""
    attributes = Attributes(before)
    attributes.matching(filters)
    for chunk_id, chunk in before.items():
        attributes.remove(chunk_id, chunk)
    for chunk_id, chunk in after.items():
        attributes.add(chunk_id, chunk)

    assert {chunk_id for chunk_id, chunk in after.items() if admits(filters, chunk)} == attributes.matching(filters)


async def test_the_index_keeps_the_maps_up_to_date() -> None:
    """A document that comes, changes its source, or goes after the first question with a filter."""
    corpus = Corpus(WordEmbedder())
    await corpus.take(a_document("Lag is a distance.", document_id="lag"))
    about = Filters(sources=("lag.md",))
    first = corpus.index.matching("default", about)
    await corpus.take(a_document("Cats sleep.", document_id="cats", source="lag.md"))
    second = corpus.index.matching("default", about)
    await corpus.take(a_document("Cats sleep.", document_id="cats", source="cats.md"))
    await corpus.take(a_deletion("lag"))

    assert ({"default/lag#0"}, {"default/lag#0", "default/cats#0"}, set()) == (first, second, corpus.index.matching("default", about))


@pytest.mark.parametrize("tenant", ["default", "nobody"])
async def test_a_filter_that_matches_nothing_gives_nothing(tenant: str) -> None:
    """For a tenant with chunks, and for one without."""
    corpus = Corpus(WordEmbedder())
    await corpus.take(a_document("Lag is a distance."))

    assert not corpus.index.matching(tenant, Filters(tags=("unknown",)))
    assert corpus.index.matching(tenant, Filters()) is None
