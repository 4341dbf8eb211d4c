"""Context: chunks are cut off whole, from the end of the ranking."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.chunker.words import as_tokens, count_words
from streams.search.candidate import Candidate
from streams.search.context import within_budget
from tests.unit.streams.search.candidates import a_candidate, a_chunk_of, ids


def of_lengths(*tokens: int) -> list[Candidate]:
    return [a_candidate(f"d#{place}", 1.0, a_chunk_of("d", place, tokens=each)) for place, each in enumerate(tokens)]


def saying(text: str) -> Candidate:
    return a_candidate("d#0", 1.0, a_chunk_of("d", 0, text, start=7, tokens=as_tokens(count_words(text))))


def test_the_end_of_the_ranking_is_cut_off() -> None:
    """From the first that does not fit: a worse one that would still fit does not take its place."""
    assert ["d#0", "d#1"] == ids(within_budget(of_lengths(40, 50, 20, 5), 100))
    assert [] == within_budget([], 100)


def test_a_first_one_that_is_too_long_is_cut_behind_a_sentence() -> None:
    """Something always stays, with its new end and length."""
    (one,) = within_budget([saying("One two three. Four five six. Seven eight nine ten.")], 12)

    assert ("One two three. Four five six.", 7, 36, 10) == (one.chunk.text, one.chunk.start, one.chunk.end, one.chunk.tokens)


def test_a_sentence_that_is_too_long_itself_is_cut_behind_a_word() -> None:
    """Table rows and lists may hold no sentence at all."""
    assert "one two three four" == within_budget([saying("one two three four five six seven")], 5)[0].chunk.text


@given(lengths=st.lists(st.integers(1, 200), max_size=8), budget=st.integers(50, 400))
def test_what_stays_fits(lengths: list[int], budget: int) -> None:
    """And the next one would not have."""
    kept = within_budget(of_lengths(*lengths), budget)
    total = sum(candidate.chunk.tokens for candidate in kept)

    assert total <= budget
    assert len(kept) == len(lengths) or total + lengths[len(kept)] > budget or lengths[0] > budget


@given(text=st.text(min_size=1, max_size=400), budget=st.integers(50, 100))
def test_the_cut_text_is_a_beginning_of_the_text(text: str, budget: int) -> None:
    """Whatever the text is made of."""
    (one,) = within_budget([saying(text)], budget)

    assert text.startswith(one.chunk.text)
    assert as_tokens(count_words(one.chunk.text)) <= budget
