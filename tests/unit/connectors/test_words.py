"""Words: how long a text is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.chunker.words import Words, count_words, word_starts

RUNS = st.sampled_from(["a" * 40, "é" * 17, "日" * 20, " ", "_", "."])
TEXTS = st.one_of(st.text(), st.text(alphabet="ab_1 é.-\n日カ한𝒜\ud800"), st.lists(RUNS).map("".join))


@given(TEXTS)
def test_all_words_are_those_that_the_expression_finds(text: str) -> None:
    """In any script, long runs of letters and halves of pairs included; finding them all at once is only faster."""
    starts = word_starts(text, 0, len(text))

    assert list(Words(text).starts(0, len(text))) == starts


@given(st.lists(TEXTS))
def test_a_stretch_between_white_space_is_counted_as_a_text_of_its_own(parts: list[str]) -> None:
    """Whatever stands around it."""
    words, places = Words(" ".join(parts)), list[tuple[int, int]]()
    for part in parts:
        start = places[-1][1] + 1 if places else 0
        places.append((start, start + len(part)))

    assert [words.count(*place) for place in places] == [count_words(part) for part in parts]
