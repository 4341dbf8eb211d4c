"""Chunk texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.chunk_texts import ChunkTexts


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_text_comes_back_as_it_was(texts: list[str]) -> None:
    """Whatever signs it holds, also none."""
    kept = ChunkTexts()

    assert texts == [str(held) for held in kept.keep(texts)]


def test_a_text_is_there_for_as_long_as_it_is_held() -> None:
    """A search may read what was taken away since it began."""
    texts = ChunkTexts()
    (held,) = texts.keep(["before"])
    reading = held

    del held
    texts.keep(["behind"])

    assert str(reading) == "before"


def test_a_place_is_taken_again() -> None:
    """Else a document that changes often would fill the disk."""
    texts = ChunkTexts()

    numbers = {texts.keep(["one version"])[0]._number for _ in range(100)}

    assert len(numbers) == 1
