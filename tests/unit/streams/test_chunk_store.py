"""The chunk store: its digest says whether two indexes hold the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.chunk_change import IndexedChunk
from streams.chunk_store import ChunkStore, Stored

CHUNK = IndexedChunk("d", 0, "T", "s.md", ("H",), 0, 4, "text", 1, ("a",), "2026-01-01T00:00:00Z", "hash", "none")

chunks = st.builds(
    Stored,
    st.sampled_from(["acme", "default"]),
    st.sampled_from(["a", "b", "c", "d"]),
    st.builds(lambda text, tags: CHUNK._replace(held=text, tags=tuple(tags)), st.text(max_size=3), st.lists(st.text(max_size=2), max_size=2)),
    st.booleans(),
)


def a_store(stored: list[Stored]) -> ChunkStore:
    store = ChunkStore(has_vectors=True)
    for one in stored:
        store.put([one])
    return store


@given(st.lists(chunks, max_size=12), st.randoms())
def test_the_digest_is_of_what_is_there_and_not_of_how_it_came(stored: list[Stored], random) -> None:  # type: ignore[no-untyped-def]
    """Whatever was put and replaced before, in whatever order."""
    store = a_store(stored)
    there = list(store.all())
    random.shuffle(there)

    assert a_store(there).digest == store.digest


@given(st.lists(chunks, max_size=12), chunks)
def test_what_was_put_and_dropped_leaves_no_trace(stored: list[Stored], extra: Stored) -> None:
    """Also where it had replaced another."""
    without = [one for one in stored if one[:2] != extra[:2]]
    store = a_store([*without, extra])
    store.drop(extra.tenant, extra.chunk_id)

    assert (store.digest, store.size) == (a_store(without).digest, a_store(without).size)


def test_everything_of_a_chunk_counts() -> None:
    """Each field, whose it is, under which id, and whether it has a vector."""
    one = Stored("default", "a", CHUNK, True)
    others = [
        one._replace(tenant="acme"),
        one._replace(chunk_id="b"),
        one._replace(has_vector=False),
        *(one._replace(chunk=CHUNK._replace(**{name: ("other",) if name in ("tags", "heading_path") else "7"})) for name in CHUNK._fields),
    ]

    digests = {a_store([other]).digest for other in [one, *others]}

    assert len(others) + 1 == len(digests)


def test_two_alike_do_not_cancel_each_other() -> None:
    """As they would with an exclusive or."""
    assert a_store([]).digest != a_store([Stored(tenant, "a", CHUNK, True) for tenant in ("a", "b")]).digest
